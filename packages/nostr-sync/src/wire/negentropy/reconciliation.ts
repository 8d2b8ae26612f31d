import { IdSet } from '../id-set.js'
import { NegentropyError } from './errors.js'
import type { NegentropyItems } from './items.js'
import {
  type Bound,
  infiniteBound,
  lowestBound,
  MessageReader,
  MessageWriter,
  modes,
  protocolVersion,
} from './message.js'

/** Options of {@link NegentropyInitiator} and {@link NegentropyResponder}. */
export interface ReconciliationOptions {
  /**
   * Bytes of a message of ours: 0 for no limit, else at least 4096. In hex a message takes twice as much (R101).
   *
   * @defaultValue 60000
   */
  readonly frameLimit?: number
  /**
   * Ids that a peer can make the initiator remember, each way; past it the session fails.
   *
   * @defaultValue 1000000
   */
  readonly maxIds?: number
  /**
   * A random 32-bit number, so that a peer cannot choose ids that collide in the sets.
   *
   * @defaultValue 0
   */
  readonly seed?: number
}

const buckets = 16
const fingerprintBytes = 16
/** What has to fit behind the last range of a frame. */
const frameReserve = 200
const leastFrameLimit = 4096
const defaultFrameLimit = 60_000
const mostComparisons = 4

/** The side that asks: finds out what each side lacks. Works on items that nobody may change meanwhile. */
export class NegentropyInitiator {
  /** Ids that we have and the peer lacks; complete once {@link NegentropyInitiator.reconcile} has returned null. */
  readonly have: IdSet
  /** Ids that the peer has and we lack. */
  readonly need: IdSet
  readonly #items: NegentropyItems
  readonly #frameLimit: number
  readonly #maxIds: number
  readonly #seed: number
  /** Items of ours that were held against lists of the peer, each as often as it was. */
  #compared = 0

  /** @throws a {@link NegentropyError} for a frame limit below 4096 */
  constructor(items: NegentropyItems, options: ReconciliationOptions = {}) {
    this.#items = items
    this.#frameLimit = checkedLimit(options)
    this.#maxIds = options.maxIds ?? 1_000_000
    this.#seed = options.seed ?? 0
    this.have = new IdSet(0, this.#seed)
    this.need = new IdSet(0, this.#seed)
  }

  /** The first message. */
  initiate(): Uint8Array {
    const writer = new MessageWriter()
    writeSplit(this.#items, 0, this.#items.size, infiniteBound, writer)
    return writer.finish()
  }

  /**
   * Takes an answer.
   *
   * @returns the next message, or null when nothing is left to say
   * @throws a {@link NegentropyError} when the answer cannot be understood, is of another version, or holds too much
   */
  reconcile(message: Uint8Array): Uint8Array | null {
    const reader = new MessageReader(message)
    if (readVersion(reader) !== protocolVersion)
      throw new NegentropyError('the peer speaks another version of the protocol')
    const answer = answerRanges(this.#items, reader, this.#frameLimit, (low, high, theirs) => {
      this.#compare(low, high, theirs)
      return null
    })
    return answer.length === 1 ? null : answer
  }

  #compare(low: number, high: number, theirs: readonly Uint8Array[]): void {
    // A range that was listed is done with; who lists it again and again would have us compare for ever.
    this.#compared += high - low
    if (this.#compared > mostComparisons * this.#items.size)
      throw new NegentropyError('the peer lists the same ranges again and again')
    const listed = new IdSet(theirs.length, this.#seed)
    for (const id of theirs) listed.add(id)
    const ours = new IdSet(high - low, this.#seed)
    for (let index = low; index < high; index++) {
      const id = this.#items.idAt(index)
      ours.add(id)
      if (!listed.has(id)) this.have.add(id)
    }
    for (const id of theirs) if (!ours.has(id)) this.need.add(id)
    if (this.need.size > this.#maxIds || this.have.size > this.#maxIds)
      throw new NegentropyError(`more than ${this.#maxIds} ids differ`)
  }
}

/** The side that is asked. Keeps nothing from message to message but its items, which nobody may change meanwhile. */
export class NegentropyResponder {
  readonly #items: NegentropyItems
  readonly #frameLimit: number

  /** @throws a {@link NegentropyError} for a frame limit below 4096 */
  constructor(items: NegentropyItems, options: ReconciliationOptions = {}) {
    this.#items = items
    this.#frameLimit = checkedLimit(options)
  }

  /**
   * Answers a message; one of another version by the version that we speak.
   *
   * @throws a {@link NegentropyError} when it cannot be understood
   */
  reconcile(message: Uint8Array): Uint8Array {
    const reader = new MessageReader(message)
    if (readVersion(reader) !== protocolVersion) return new MessageWriter().finish()
    return answerRanges(this.#items, reader, this.#frameLimit, (low, high, _theirs, room) => {
      let end = low
      while (end < high && (end - low) * 32 <= room) end++
      return end
    })
  }
}

/**
 * What to do with a list of the peer's ids.
 *
 * @param room - bytes that the ids of an answer may take before no more are added
 * @returns null to be done with the range, or the index up to which our ids are the answer
 */
type OnList = (low: number, high: number, theirs: readonly Uint8Array[], room: number) => number | null

function answerRanges(
  items: NegentropyItems,
  reader: MessageReader,
  frameLimit: number,
  onList: OnList,
): Uint8Array {
  const writer = new MessageWriter()
  const most = frameLimit === 0 ? Infinity : frameLimit - frameReserve
  let previous: Bound = lowestBound
  let index = 0
  let isSkipping = false
  while (!reader.isAtEnd) {
    const start = writer.mark()
    const endSkip = (): void => {
      if (!isSkipping) return
      isSkipping = false
      writer.bound(previous)
      writer.varint(modes.skip)
    }
    const bound = reader.bound()
    const mode = reader.varint()
    const low = index
    let high = items.lowerBound(bound, low)
    if (mode === modes.skip) isSkipping = true
    else if (mode === modes.fingerprint) {
      if (isEqual(reader.raw(fingerprintBytes), items.fingerprint(low, high))) isSkipping = true
      else {
        endSkip()
        writeSplit(items, low, high, bound, writer)
      }
    } else if (mode === modes.idList) {
      const end = onList(low, high, readIds(reader), most - start.length)
      if (end === null) isSkipping = true
      else {
        endSkip()
        const isCut = end < high
        high = end
        writeIds(items, low, end, isCut ? exactBound(items, end) : bound, writer)
        // The list stays even if it fills the frame: it was cut to fit.
        if (writer.length > most) return writeRest(items, high, writer)
      }
    } else throw new NegentropyError(`a range of mode ${mode}`)
    if (writer.length > most) {
      writer.rewind(start)
      return writeRest(items, high, writer)
    }
    index = high
    previous = bound
  }
  return writer.finish()
}

/** One fingerprint for everything that did not fit: the peer will ask again. */
function writeRest(items: NegentropyItems, from: number, writer: MessageWriter): Uint8Array {
  writer.bound(infiniteBound)
  writer.varint(modes.fingerprint)
  writer.raw(items.fingerprint(from, items.size))
  return writer.finish()
}

function writeSplit(
  items: NegentropyItems,
  low: number,
  high: number,
  upper: Bound,
  writer: MessageWriter,
): void {
  const count = high - low
  if (count < 2 * buckets) {
    writeIds(items, low, high, upper, writer)
    return
  }
  const perBucket = Math.floor(count / buckets)
  const withOneMore = count % buckets
  let start = low
  for (let bucket = 0; bucket < buckets; bucket++) {
    const end = start + perBucket + (bucket < withOneMore ? 1 : 0)
    writer.bound(end === high ? upper : items.boundBefore(end))
    writer.varint(modes.fingerprint)
    writer.raw(items.fingerprint(start, end))
    start = end
  }
}

function writeIds(
  items: NegentropyItems,
  low: number,
  high: number,
  upper: Bound,
  writer: MessageWriter,
): void {
  writer.bound(upper)
  writer.varint(modes.idList)
  writer.varint(high - low)
  for (let index = low; index < high; index++) writer.raw(items.idAt(index))
}

function exactBound(items: NegentropyItems, index: number): Bound {
  return { timestamp: items.timestampAt(index), prefix: items.idAt(index) }
}

function readIds(reader: MessageReader): Uint8Array[] {
  const count = reader.varint()
  const ids: Uint8Array[] = []
  for (let index = 0; index < count; index++) ids.push(reader.raw(32))
  return ids
}

function readVersion(reader: MessageReader): number {
  const version = reader.byte()
  if (version < 0x60 || version > 0x6f) throw new NegentropyError(`version byte ${version}`)
  return version
}

function checkedLimit({ frameLimit = defaultFrameLimit }: ReconciliationOptions): number {
  if (frameLimit !== 0 && !(frameLimit >= leastFrameLimit))
    throw new NegentropyError(`a frame limit of ${frameLimit}, below ${leastFrameLimit}`)
  return frameLimit
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, index) => byte === b[index])
}
