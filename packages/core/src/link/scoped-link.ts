import type { End, LinkId, Off } from '../end.js'
import { end } from '../end.js'
import type { Endpoint, Link, WriteResult } from './types.js'

/** What a {@link ScopedLink} asks of the link's run. */
export interface Ending {
  fail(why: End): void
  endGracefully(why: End): void
  /** A write filled the transport's buffer. */
  filled(): void
}

/** The link as its protocol sees it: the transport's, with the outbound budget kept and every end accounted for. */
export class ScopedLink implements Link {
  readonly #link: Link
  readonly #run: Ending
  readonly #limit: number
  #pauses = 0

  constructor(link: Link, run: Ending, limit: number) {
    this.#link = link
    this.#run = run
    this.#limit = limit
  }

  get id(): LinkId {
    return this.#link.id
  }
  get endpoint(): Endpoint {
    return this.#link.endpoint
  }
  get phase(): Link['phase'] {
    return this.#link.phase
  }
  get accepted(): number {
    return this.#link.accepted
  }
  get unflushed(): number {
    return this.#link.unflushed
  }

  /** Whether we have stopped reading, so that silence is our own doing. */
  get isPaused(): boolean {
    return this.#pauses > 0
  }

  write(chunk: Uint8Array | string): WriteResult {
    const link = this.#link
    if (link.phase !== 'open') return 'refused'
    if (exceeds(chunk, this.#limit - link.unflushed)) {
      this.#run.fail(end('overflow', { detail: `more than ${this.#limit} bytes wait to be sent` }))
      return 'refused'
    }
    const result = link.write(chunk)
    if (result === 'full') this.#run.filled()
    return result
  }

  datagram(chunk: Uint8Array): 'sent' | 'refused' {
    return this.#link.datagram?.(chunk) ?? 'refused'
  }

  ping(): void {
    this.#link.ping?.()
  }

  pause(): Off {
    const release = this.#link.pause()
    let held = true
    this.#pauses += 1
    return () => {
      if (!held) return
      held = false
      this.#pauses -= 1
      release()
    }
  }

  end(why: End): void {
    this.#run.endGracefully(why)
  }

  finish(): void {
    this.#link.finish?.()
  }

  destroy(why: End): void {
    this.#run.fail(why)
  }

  reset(why: End): void {
    // The transport tells of its end, and the run follows.
    this.#link.reset?.(why)
    this.#run.fail(why)
  }

  get addresses(): Link['addresses'] {
    return this.#link.addresses
  }

  get identity(): string | undefined {
    return this.#link.identity
  }
}

/** A character takes one to three bytes, so only a text near the limit has to be encoded to be measured. */
function exceeds(chunk: Uint8Array | string, room: number): boolean {
  if (typeof chunk !== 'string' || chunk.length * 3 <= room) return chunk.length > room
  return chunk.length > room || new TextEncoder().encode(chunk).length > room
}
