import type { End, Endpoint, Link, LinkId, LinkSink, Millis, Off, WriteResult } from '../index.js'
import { end, nextLinkId } from '../index.js'

/** How a {@link FaultyLink} misbehaves. */
export interface FaultyLinkOptions {
  /**
   * Bytes that may wait before a write is answered with `full`.
   *
   * @defaultValue Infinity
   */
  readonly highWater?: number
  /** Keep what is written until {@link FaultyLink.flush}, as a kernel buffer that is never empty. */
  readonly holdWrites?: boolean
  /** Hand inbound bytes on in pieces of this size. */
  readonly splitInto?: number
  /** What the link says of its ends. */
  readonly addresses?: Link['addresses']
  /** Go on calling the sink after the end, as careless transports do. */
  readonly lateCallbacks?: boolean
}

/**
 * A link whose other end is the test. What the owner writes is in {@link FaultyLink.written}; the test says what
 * arrives, and when and how the link ends.
 */
export class FaultyLink implements Link {
  readonly id: LinkId = nextLinkId()
  readonly endpoint: Endpoint
  readonly #sink: LinkSink
  readonly #options: FaultyLinkOptions
  readonly #written: Buffer[] = []
  readonly #unflushed: number[] = []
  #phase: Link['phase'] = 'opening'
  #full = false
  #accepted = 0
  #waitingBytes = 0
  #pauses = 0
  #waiting: Buffer[] = []
  /** How the owner ended it: `end` or `destroy` with the reason; `null` if the owner did not. */
  endedByOwner: End | null = null

  constructor(endpoint: Endpoint, sink: LinkSink, options: FaultyLinkOptions = {}) {
    this.endpoint = endpoint
    this.#sink = sink
    this.#options = options
  }

  // What the owner sees ----------------------------------------------------------------------------------------

  get phase(): Link['phase'] {
    return this.#phase
  }

  get accepted(): number {
    return this.#accepted
  }

  get unflushed(): number {
    return this.#waitingBytes
  }

  write(chunk: Uint8Array | string): WriteResult {
    if (this.#phase !== 'open') return 'refused'
    const bytes = Buffer.from(chunk)
    this.#written.push(bytes)
    this.#accepted += bytes.length
    if (this.#options.holdWrites === true) {
      this.#unflushed.push(bytes.length)
      this.#waitingBytes += bytes.length
    }
    if (this.unflushed <= (this.#options.highWater ?? Infinity)) return 'sent'
    this.#full = true
    return 'full'
  }

  datagram(chunk: Uint8Array): 'sent' | 'refused' {
    return this.write(chunk) === 'refused' ? 'refused' : 'sent'
  }

  pause(): Off {
    let held = true
    this.#pauses += 1
    return () => {
      if (!held) return
      held = false
      this.#pauses -= 1
      if (this.#pauses === 0) for (const piece of this.#waiting.splice(0)) this.#receive(piece)
    }
  }

  end(why: End): void {
    if (this.#phase === 'ended' || this.#phase === 'retiring') return
    this.endedByOwner = why
    if (this.unflushed === 0) this.#end(why)
    else this.#phase = 'retiring'
  }

  destroy(why: End): void {
    if (this.#phase === 'ended') return
    this.endedByOwner ??= why
    this.#end(why)
  }

  get addresses(): Link['addresses'] {
    return this.#options.addresses
  }

  // What the test does -----------------------------------------------------------------------------------------

  /** Everything written so far, as text. */
  get written(): string {
    return this.writtenBytes.toString('utf8')
  }

  /** Everything written so far. */
  get writtenBytes(): Buffer {
    return Buffer.concat(this.#written)
  }

  /** Whether writes are accepted. */
  get isOpen(): boolean {
    return this.#phase === 'open'
  }

  /** Whether the owner has paused reading. */
  get isPaused(): boolean {
    return this.#pauses > 0
  }

  /** The connection is established. */
  open(): void {
    if (this.#phase === 'opening') {
      this.#phase = 'open'
      this.#sink.opened()
    } else this.#late(() => this.#sink.opened())
  }

  /** Bytes arrive; while reading is paused they wait. */
  receive(bytes: Uint8Array | string): void {
    const buffer = Buffer.from(bytes)
    const size = this.#options.splitInto ?? buffer.length
    for (let at = 0; at < buffer.length; at += size) this.#receive(buffer.subarray(at, at + size))
  }

  #receive(piece: Buffer): void {
    if (this.#phase === 'ended') this.#late(() => this.#sink.data(piece))
    else if (this.#pauses > 0) this.#waiting.push(piece)
    else this.#sink.data(piece)
  }

  /** The kernel takes the oldest `writes` writes; all by default. */
  flush(writes = Infinity): void {
    for (const length of this.#unflushed.splice(0, writes)) this.#waitingBytes -= length
    if (this.unflushed > 0) return
    if (this.#phase === 'retiring') this.#end(this.endedByOwner ?? end('closed-by-us'))
    else if (this.#full && this.#phase === 'open') {
      this.#full = false
      this.#sink.writable()
    }
  }

  /** The link ends for a reason of its own. */
  fail(why: End): void {
    if (this.#phase === 'ended') this.#late(() => this.#sink.ended(why))
    else this.#end(why)
  }

  /** The peer closes. */
  closeByPeer(): void {
    this.fail(end('closed-by-peer'))
  }

  #end(why: End): void {
    this.#phase = 'ended'
    this.#sink.ended(why)
    if (this.#options.lateCallbacks !== true) return
    this.#sink.opened()
    this.#sink.data(Buffer.from('late'))
    this.#sink.writable()
    this.#sink.ended(why)
  }

  #late(call: () => void): void {
    if (this.#options.lateCallbacks === true) call()
  }
}

/** What becomes of one dial; without `openAfter`, `refuseAfter` or `throws` it hangs. */
export interface DialPlan extends FaultyLinkOptions {
  readonly openAfter?: Millis
  readonly refuseAfter?: Millis
  /** How long after opening the peer closes. */
  readonly closeAfter?: Millis
  /** What the peer sends right after opening. */
  readonly greeting?: string
  /** The dialer itself throws. */
  readonly throws?: Error
}
