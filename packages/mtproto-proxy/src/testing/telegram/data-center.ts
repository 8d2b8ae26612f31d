import { Buffer } from 'node:buffer'
import { KeyExchanges } from './key-exchange.js'
import { MessageServer } from './message-server.js'
import { messageIds, readPlain, writePlain } from './plain-message.js'
import type { ServerConfig } from './queries.js'
import type { RsaKey } from './rsa-key.js'
import { TlError } from './tl.js'

/** Options of {@link DataCenter}. */
export interface DataCenterOptions {
  /** The key to exchange keys with; `null`: exchanges end after resPQ. */
  readonly key: RsaKey | null
  /** Unix milliseconds. */
  readonly now: () => number
  readonly config: () => Omit<ServerConfig, 'now'>
}

/** What a data centre says instead of a packet: it does not know this key. */
const unknownKey = Buffer.from('6cfeffff', 'hex')

/** What stands behind a middle proxy: MTProto packets in, MTProto packets out. */
export class DataCenter {
  readonly #exchanges: KeyExchanges
  readonly #messages: MessageServer
  readonly #nextId: ReturnType<typeof messageIds>

  constructor({ key, now, config }: DataCenterOptions) {
    const seconds = (): number => Math.floor(now() / 1000)
    this.#nextId = messageIds(now)
    this.#messages = new MessageServer({
      nextId: this.#nextId,
      config: () => ({ ...config(), now: seconds() }),
    })
    this.#exchanges = new KeyExchanges({ key, now: seconds, agreed: (made) => this.#messages.add(made) })
  }

  /** The packets that answer this one. */
  answer(packet: Buffer): readonly Buffer[] {
    const plain = readPlain(packet)
    if (plain === null) return this.#messages.answer(packet) ?? [unknownKey]
    try {
      const body = this.#exchanges.answer(plain)
      return body === null ? [] : [writePlain(this.#nextId('answer'), body)]
    } catch (error) {
      if (error instanceof TlError) return []
      throw error
    }
  }
}
