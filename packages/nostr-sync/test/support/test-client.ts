import { once } from 'node:events'
import {
  type ClientMessage,
  formatClientMessage,
  MessageError,
  type RelayMessage,
  readRelayMessage,
} from '@holdfast/nostr-sync'
import { WebSocket } from 'ws'

/** A client of a relay that says what it is told and keeps what it hears. */
export class TestClient implements AsyncDisposable {
  /** What came, as it was. */
  readonly texts: string[] = []
  /** What of it can be read. */
  readonly heard: RelayMessage[] = []
  readonly socket: WebSocket
  #tell: () => void = () => undefined
  #closed: { readonly code: number; readonly reason: string } | null = null

  constructor(url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false })
    this.socket.on('error', () => undefined)
    this.socket.on('message', (data) => {
      const text = (data as Buffer).toString()
      this.texts.push(text)
      try {
        this.heard.push(readRelayMessage(text) as RelayMessage)
      } catch (error) {
        // An OK of no event, for example (R91).
        if (!(error instanceof MessageError)) throw error
      }
      this.#tell()
    })
    this.socket.on('close', (code, reason) => {
      this.#closed = { code, reason: reason.toString() }
      this.#tell()
    })
  }

  static async connect(url: string): Promise<TestClient> {
    const client = new TestClient(url)
    await once(client.socket, 'open')
    return client
  }

  get closed(): { readonly code: number; readonly reason: string } | null {
    return this.#closed
  }

  says(...messages: readonly (ClientMessage | string)[]): void {
    for (const message of messages)
      this.socket.send(typeof message === 'string' ? message : formatClientMessage(message))
  }

  /** Waits until something holds; looked at whenever something was heard. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => (this.#tell = resolve))
  }

  /** Waits for the answer that fits. */
  async hears<K extends RelayMessage['kind']>(
    kind: K,
    fits: (message: Extract<RelayMessage, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<RelayMessage, { kind: K }>> {
    const find = (): Extract<RelayMessage, { kind: K }> | undefined =>
      this.heard.find(
        (message): message is Extract<RelayMessage, { kind: K }> =>
          message.kind === kind && fits(message as Extract<RelayMessage, { kind: K }>),
      )
    await this.until(() => find() !== undefined)
    return find() as Extract<RelayMessage, { kind: K }>
  }

  /** What is stored for a filter, by one REQ. */
  async stored(
    subscription: string,
    ...filters: (ClientMessage & { kind: 'req' })['filters']
  ): Promise<string[]> {
    this.says({ kind: 'req', subscription, filters })
    await this.hears('eose', (message) => message.subscription === subscription)
    return this.events(subscription).map(({ id }) => id)
  }

  /** Events that came for a subscription. */
  events(subscription: string) {
    return this.heard.flatMap((message) =>
      message.kind === 'event' && message.subscription === subscription ? [message.event] : [],
    )
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate()
    return Promise.resolve()
  }
}
