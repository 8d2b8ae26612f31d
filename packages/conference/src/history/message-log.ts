import { Buffer } from 'node:buffer'
import { type Budget, StoreError, type WallStamp } from '@holdfast/core'
import { LmdbFolder } from '@holdfast/core/lmdb'
import type { ConferenceMessage } from '../conferences/conference-message.js'
import type { ConferenceIdentifier } from '../wire/identity.js'
import { wordsOf } from './words.js'

/** Something that was said, as it is kept. What is late may have come before: then it is not added again. */
export type LoggedMessage = Omit<ConferenceMessage, 'conference' | 'identifier'>

/** A message with its place in the log of its conference. */
export interface LogEntry extends LoggedMessage {
  /** Greater than that of all before it. */
  readonly position: number
}

/** Options of {@link MessageLog.open}. */
export interface MessageLogOptions {
  /** Directory of the database; made if it is not there. */
  readonly path: string
  /**
   * How much of each conference is kept. The oldest go first. `bytes` are those on disk, about: a message of five words takes
   * 2.6 kB, its index included, so that 64 MiB hold some 25,000 of them. `age` counts from when something was said, by the wall clock:
   * one that is set far ahead lets go of all that is older then.
   *
   * @defaultValue 64 MiB, however old
   */
  readonly keep?: Budget
  /** Civil time, for `keep.age`. */
  readonly wall: () => WallStamp
}

/** Which entries to read. */
export interface PageOptions {
  /** Only entries before this position. */
  readonly before?: number
  /** Only entries after this position, and the first of them instead of the last: where a reader goes on. */
  readonly after?: number
  /** @defaultValue 50 */
  readonly limit?: number
}

interface Pending {
  readonly conference: ConferenceIdentifier
  readonly message: LoggedMessage
  position: number | null
}

interface Extent {
  readonly first: number
  readonly next: number
  readonly bytes: number
}

/** Keys begin with a word that tells the kind; values are MessagePack. */
type EntryKey = (string | number)[]

const format = 'holdfast conference messages 1'
const claim = { format: ['meta', 'format'], owner: ['meta', 'owner'] }

/** Messages that may wait for the disk; others are not kept. */
const mostPending = 10_000

const empty: Extent = { first: 1, next: 1, bytes: 0 }
const defaultKeep: Budget = { bytes: 64 * 1024 * 1024 }
/**
 * Bytes that a message takes on disk besides its text and its author's name, as measured with messages of 1 to 200 words: its
 * entries, for each word by which it is found too, and their share of pages that are half empty, as where old ones have gone.
 */
const overhead = { message: 800, word: 350 }

/**
 * What was said in conferences, on disk, in an embedded database (LMDB): to be scrolled back through, and searched by
 * words.
 *
 * What was appended is durable when its promise resolves; a message and its place in the index are there whole or not
 * at all, whenever the process is killed. Appends that come while the disk is busy share the next commit.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { MessageLog } from '@holdfast/conference'
 *
 * const path = await mkdtemp(join(tmpdir(), 'messages-'))
 * const log = await MessageLog.open({ path, wall: () => 1_700_000_000_000 })
 * const ada = { from: 'ab'.repeat(32), name: 'ada', isOurs: false, as: 'chat' } as const
 * const message = { ...ada, text: 'Hello, world', messageNumber: 1, at: 0, isLate: false }
 * await log.append('the conference', message) // => 1
 * log.search('the conference', 'WORLD').map(({ text }) => text) // => ['Hello, world']
 * await log.close()
 * await rm(path, { recursive: true })
 * ```
 */
export class MessageLog implements AsyncDisposable {
  readonly path: string
  readonly #folder: LmdbFolder<unknown, EntryKey>
  readonly #keep: Budget
  readonly #wall: () => WallStamp
  #pending: Pending[] = []
  #writing: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null
  #closed: Promise<void> | null = null

  private constructor(options: MessageLogOptions, folder: LmdbFolder<unknown, EntryKey>) {
    this.path = options.path
    this.#keep = options.keep ?? defaultKeep
    this.#wall = options.wall
    this.#folder = folder
  }

  /**
   * Opens or makes a log.
   *
   * @throws (rejects) a `StoreError` when the directory holds something else, is damaged, in use or out of reach
   */
  static async open(options: MessageLogOptions): Promise<MessageLog> {
    const encodings = { encoding: 'msgpack', keyEncoding: 'ordered-binary' } as const
    return new MessageLog(options, await LmdbFolder.open({ path: options.path, format, claim, ...encodings }))
  }

  /**
   * Adds a message to a conference's log, in the order of the calls. Returns its position; `null` if it came late and
   * is there already, which happens after a crash.
   *
   * @throws (rejects) a `StoreError`; then nothing of what shared the commit is stored
   */
  async append(conference: ConferenceIdentifier, message: LoggedMessage): Promise<number | null> {
    this.#mustBeOpen()
    if (this.#pending.length >= mostPending) {
      throw new StoreError('HF_STORE_WRITE_FAILED', this.path, `${mostPending} messages wait for the disk`)
    }
    const pending: Pending = { conference, message, position: null }
    this.#pending.push(pending)
    this.#next ??= this.#writing.then(() => this.#write())
    this.#writing = this.#next.catch(() => undefined)
    await this.#next
    return pending.position
  }

  /** A page of a conference in the order in which it came: the newest entries, or those that follow `after`. @throws a `StoreError` if it is closed */
  page(conference: ConferenceIdentifier, { before, after, limit = 50 }: PageOptions = {}): LogEntry[] {
    this.#mustBeOpen()
    const extent = this.#extent(conference)
    const first = Math.max(extent.first, (after ?? 0) + 1)
    const next = Math.min(before ?? Infinity, extent.next)
    const from = after === undefined ? Math.max(first, next - limit) : first
    const entries: LogEntry[] = []
    for (let position = from; position < Math.min(next, from + limit); position += 1) {
      const entry = this.#entry(conference, position)
      if (entry) entries.push(entry)
    }
    return entries
  }

  /** Entries that have all these words, in any order and case, the newest first. @throws a `StoreError` if it is closed */
  search(
    conference: ConferenceIdentifier,
    words: string,
    { before = Infinity, after = 0, limit = 50 }: PageOptions = {},
  ): LogEntry[] {
    this.#mustBeOpen()
    const [rarest, ...others] = [...wordsOf(words)]
    if (rarest === undefined) return []
    const start = ['word', conference, rarest, Math.min(before, Number.MAX_SAFE_INTEGER)]
    const end = ['word', conference, rarest, after]
    const found: LogEntry[] = []
    for (const key of this.#folder.entries.getKeys({ start, end, reverse: true })) {
      const position = Number((key as unknown[])[3])
      if (position >= before) continue
      if (!others.every((word) => this.#folder.entries.doesExist(['word', conference, word, position])))
        continue
      const entry = this.#entry(conference, position)
      if (entry) found.push(entry)
      if (found.length >= limit) break
    }
    return found
  }

  /** How much is kept of a conference: bytes are those on disk, about, as the budget counts them. @throws a `StoreError` if it is closed */
  size(conference: ConferenceIdentifier): { readonly count: number; readonly bytes: number } {
    this.#mustBeOpen()
    const { first, next, bytes } = this.#extent(conference)
    return { count: next - first, bytes }
  }

  /** Waits for what was appended, and closes. Again, it does nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#writing.then(() => this.#folder.close())
    return this.#closed
  }

  /** Waits for what is being written, and closes the log. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new StoreError('HF_STORE_CLOSED', this.path, 'was closed')
  }

  async #write(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    this.#next = null
    await this.#folder.transaction(() => {
      for (const each of pending) each.position = this.#add(each)
    })
  }

  #add({ conference, message }: Pending): number | null {
    const { from, messageNumber, text, isLate } = message
    const numbered = ['number', conference, from, messageNumber]
    if (isLate && this.#isThere(conference, numbered, text)) return null
    const { first, next, bytes } = this.#extent(conference)
    this.#folder.entries.putSync(['message', conference, next], message)
    this.#folder.entries.putSync(numbered, next)
    const words = wordsOf(text)
    for (const word of words) this.#folder.entries.putSync(['word', conference, word, next], true)
    this.#trim(conference, { first, next: next + 1, bytes: bytes + cost(message, words) })
    return next
  }

  /** Whoever comes in anew may count from the beginning: only the same text under the same number is the same. */
  #isThere(conference: ConferenceIdentifier, numbered: EntryKey, text: string): boolean {
    const position = Number(this.#folder.entries.get(numbered) ?? 0)
    return this.#entry(conference, position)?.text === text
  }

  #trim(conference: ConferenceIdentifier, extent: Extent): void {
    const { age = Infinity, count = Infinity, bytes: most } = this.#keep
    let { first, bytes } = extent
    const now = this.#wall()
    for (; first < extent.next; first += 1) {
      const oldest = this.#entry(conference, first)
      const isKept = bytes <= most && extent.next - first <= count && (!oldest || now - oldest.at <= age)
      if (isKept) break
      if (!oldest) continue
      bytes -= this.#forget(conference, oldest)
    }
    this.#folder.entries.putSync(['extent', conference], { ...extent, first, bytes })
  }

  /** Returns how many bytes that frees. */
  #forget(conference: ConferenceIdentifier, entry: LogEntry): number {
    const { position, from, messageNumber, text } = entry
    this.#folder.entries.removeSync(['message', conference, position])
    const numbered = ['number', conference, from, messageNumber]
    if (this.#folder.entries.get(numbered) === position) this.#folder.entries.removeSync(numbered)
    const words = wordsOf(text)
    for (const word of words) this.#folder.entries.removeSync(['word', conference, word, position])
    return cost(entry, words)
  }

  #extent(conference: ConferenceIdentifier): Extent {
    return (this.#folder.entries.get(['extent', conference]) as Extent | undefined) ?? empty
  }

  #entry(conference: ConferenceIdentifier, position: number): LogEntry | null {
    const message = this.#folder.entries.get(['message', conference, position]) as LoggedMessage | undefined
    return message ? { ...message, position } : null
  }
}

function cost({ text, name }: LoggedMessage, words: ReadonlySet<string>): number {
  return Buffer.byteLength(text) + Buffer.byteLength(name) + overhead.message + words.size * overhead.word
}
