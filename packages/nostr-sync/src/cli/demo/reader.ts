import { WebSocket } from 'ws'
import { readRelayMessage } from '../../wire/relay-message.js'

/** A client of our own relay, which follows everything that is new. */
export class Reader {
  readonly #socket: WebSocket
  readonly #ids = new Set<string>()
  #isFollowing = false
  #isClosed = false

  constructor(url: string) {
    this.#socket = new WebSocket(url)
      .on('open', () => this.#socket.send('["REQ","all",{"limit":0}]'))
      .on('message', (data: Buffer) => this.#received(data.toString()))
      .on('close', () => (this.#isClosed = true))
      .on('error', () => undefined)
  }

  get isFollowing(): boolean {
    return this.#isFollowing
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** How many of these have come. */
  has(events: readonly { readonly id: string }[]): number {
    return events.filter(({ id }) => this.#ids.has(id)).length
  }

  /** Reads nothing any more. */
  stall(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate()
    return Promise.resolve()
  }

  #received(text: string): void {
    const message = readRelayMessage(text)
    if (message.kind === 'eose') this.#isFollowing = true
    else if (message.kind === 'event') this.#ids.add(message.event.id)
  }
}
