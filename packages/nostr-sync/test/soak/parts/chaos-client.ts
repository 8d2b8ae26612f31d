import { type NostrEvent, readRelayMessage } from '@holdfast/nostr-sync'
import { WebSocket } from 'ws'

/** More than anybody is cut off for, and than a busy machine takes. */
const answerWithin = 10_000

/** A client of a relay, which connects again when it has to. */
export class ChaosClient {
  readonly #url: string
  #socket: WebSocket | null = null
  #connecting: Promise<WebSocket> | null = null
  readonly #answers = new Map<string, (accepted: boolean) => void>()

  constructor(url: string) {
    this.#url = url
  }

  /** Events that the relay has not answered to. */
  get waiting(): number {
    return this.#answers.size
  }

  /** @returns whether the relay has promised to keep it */
  async publish(event: NostrEvent): Promise<boolean> {
    const socket = await this.#connected()
    if (socket.readyState !== WebSocket.OPEN) return false
    return new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => answer(false), answerWithin)
      const answer = (accepted: boolean): void => {
        clearTimeout(timer)
        this.#answers.delete(event.id)
        resolve(accepted)
      }
      this.#answers.set(event.id, answer)
      socket.send(JSON.stringify(['EVENT', event]))
    })
  }

  close(): void {
    this.#socket?.terminate()
  }

  /** One connection for all who ask meanwhile. */
  async #connected(): Promise<WebSocket> {
    if (this.#socket?.readyState === WebSocket.OPEN) return this.#socket
    this.#connecting ??= this.#connect()
    try {
      return await this.#connecting
    } finally {
      this.#connecting = null
    }
  }

  async #connect(): Promise<WebSocket> {
    const socket = new WebSocket(this.#url, { handshakeTimeout: answerWithin })
    this.#socket = socket
    socket.on('error', () => undefined)
    socket.on('close', () => {
      for (const answer of [...this.#answers.values()]) answer(false)
    })
    socket.on('message', (data: Buffer) => {
      const message = readRelayMessage(data.toString())
      if (message.kind !== 'ok') return
      this.#answers.get(message.id)?.(message.accepted || message.text.startsWith('duplicate'))
    })
    await new Promise<void>((resolve) => {
      socket.once('open', () => resolve())
      socket.once('close', () => resolve())
    })
    return socket
  }
}

/**
 * The ids of everything that a relay has.
 *
 * @returns null when it did not tell within the time
 */
export async function idsAt(url: string, within: number): Promise<Set<string> | null> {
  const ids = new Set<string>()
  const socket = new WebSocket(url, { handshakeTimeout: within })
  try {
    return await new Promise((resolve) => {
      setTimeout(() => resolve(null), within).unref()
      socket.on('error', () => resolve(null))
      socket.on('close', () => resolve(null))
      socket.on('open', () => socket.send(JSON.stringify(['REQ', 'all', { limit: 1_000_000 }])))
      socket.on('message', (data: Buffer) => {
        const message = readRelayMessage(data.toString())
        if (message.kind === 'event') ids.add(message.event.id)
        else if (message.kind === 'eose') resolve(ids)
      })
    })
  } finally {
    socket.terminate()
  }
}
