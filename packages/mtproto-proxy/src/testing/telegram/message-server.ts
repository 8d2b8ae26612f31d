import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import type { AuthKey } from './auth-key.js'
import type { NextMessageId } from './plain-message.js'
import { answerQuery, type ServerConfig, unwrapQuery } from './queries.js'
import { long, TlError, TlReader, uint } from './tl.js'

/** Options of {@link MessageServer}. */
export interface MessageServerOptions {
  readonly nextId: NextMessageId
  readonly config: () => ServerConfig
}

interface Session {
  /** Messages sent that want to be acknowledged. */
  contentMessages: number
}

interface Reply {
  readonly kind: 'answer' | 'unasked'
  readonly body: Buffer
}

const container = 0x73f1f8dc
/** What needs no answer: msgs_ack, http_wait, msgs_state_req, msg_resend_req, rpc_drop_answer. */
const silent = new Set([0x62d6b459, 0x9299359f, 0xda69fb52, 0x7d861a08, 0x58e4a740])
const maxSessions = 10_000

/** Answers messages of MTProto 2.0 as a data centre does for clients that have not signed in. */
export class MessageServer {
  readonly #options: MessageServerOptions
  readonly #keys = new Map<string, AuthKey>()
  readonly #sessions = new Map<string, Session>()

  constructor(options: MessageServerOptions) {
    this.#options = options
  }

  /** Clients that have agreed on this key may send messages. */
  add(key: AuthKey): void {
    this.#keys.set(key.id, key)
  }

  /** The packets that answer this one; `null` if it was made with no key that we know. */
  answer(packet: Buffer): readonly Buffer[] | null {
    const key = this.#keys.get(packet.subarray(0, 8).toString('hex'))
    const plain = key?.open(packet, 'client') ?? null
    if (key === undefined || plain === null) return null
    const sessionId = plain.subarray(8, 16)
    const messageId = plain.readBigInt64LE(16)
    const length = plain.readUInt32LE(28)
    if (length > plain.length - 32) return []
    const replies: Reply[] = []
    if (plain.readBigInt64LE(0) !== key.salt) {
      replies.push(badSalt(messageId, plain.readUInt32LE(24), key.salt))
    } else {
      const body = plain.subarray(32, 32 + length)
      if (!this.#sessions.has(`${key.id} ${sessionId.toString('hex')}`)) {
        replies.push(newSession(messageId, key.salt))
      }
      replies.push(...this.#answers(messageId, body))
    }
    const session = this.#session(`${key.id} ${sessionId.toString('hex')}`)
    return replies.map((reply) => key.seal(this.#message(reply, key.salt, sessionId, session), 'server'))
  }

  #session(id: string): Session {
    const session = this.#sessions.get(id) ?? { contentMessages: 0 }
    this.#sessions.set(id, session)
    const [oldest] = this.#sessions.keys()
    if (oldest !== undefined && this.#sessions.size > maxSessions) this.#sessions.delete(oldest)
    return session
  }

  #message({ kind, body }: Reply, salt: bigint, sessionId: Buffer, session: Session): Buffer {
    const seq = 2 * session.contentMessages + 1
    session.contentMessages += 1
    const id = long(this.#options.nextId(kind))
    return Buffer.concat([long(salt), sessionId, id, uint(seq), uint(body.length), body])
  }

  #answers(messageId: bigint, body: Buffer): Reply[] {
    try {
      const reader = new TlReader(body)
      if (reader.uint() !== container) return [this.#answer(messageId, body)].flatMap((reply) => reply ?? [])
      const replies: Reply[] = []
      for (let left = reader.uint(); left > 0; left -= 1) {
        const id = reader.long()
        reader.uint()
        replies.push(...this.#answers(id, reader.raw(reader.uint())))
      }
      return replies
    } catch (error) {
      if (error instanceof TlError) return []
      throw error
    }
  }

  #answer(messageId: bigint, body: Buffer): Reply | null {
    const query = unwrapQuery(body)
    const reader = new TlReader(query)
    const type = reader.uint()
    if (silent.has(type)) return null
    switch (type) {
      case 0x7abe77ec: // ping
      case 0xf3427b8c: // ping_delay_disconnect
        return answer(uint(0x347773c5), long(messageId), long(reader.long()))
      case 0xb921bd04: // get_future_salts
        return answer(uint(0xae500895), long(messageId), uint(this.#options.config().now), uint(0))
      case 0xe7512126: // destroy_session
        return answer(uint(0x62d350c9), long(reader.long()))
      default:
        return answer(uint(0xf35c6d01), long(messageId), answerQuery(query, this.#options.config()))
    }
  }
}

function answer(...parts: readonly Buffer[]): Reply {
  return { kind: 'answer', body: Buffer.concat(parts) }
}

function badSalt(messageId: bigint, seq: number, salt: bigint): Reply {
  const body = Buffer.concat([uint(0xedab447b), long(messageId), uint(seq), uint(48), long(salt)])
  return { kind: 'unasked', body }
}

function newSession(messageId: bigint, salt: bigint): Reply {
  return {
    kind: 'unasked',
    body: Buffer.concat([uint(0x9ec20908), long(messageId), randomBytes(8), long(salt)]),
  }
}
