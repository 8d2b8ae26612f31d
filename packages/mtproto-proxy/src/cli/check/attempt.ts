import { randomBytes } from 'node:crypto'
import {
  type Clock,
  type Dialer,
  type End,
  end,
  type Link,
  type LinkSink,
  type Millis,
  type Timer,
} from '@holdfast/core'
import type { ClientCodec } from '../../wire/client-codec.js'
import { type ClientOpeningStep, openClient } from '../../wire/client-opening.js'
import type { PacketFormat } from '../../wire/packet-format.js'
import { encodeReqPq, readReqPqAnswer, reqPqNonceBytes } from '../../wire/req-pq.js'
import type { Secret } from '../../wire/secret.js'
import { x25519PublicKey } from '../../x25519-key.js'

/** A proxy as a client is told of it. */
export interface Target {
  readonly server: string
  readonly port: number
  readonly secret: Secret
  readonly plainFormat: PacketFormat
}

/** What one attempt tries. */
export interface AttemptOptions {
  readonly clock: Clock
  readonly dialer: Dialer
  readonly target: Target
  readonly dcId: number
  /** How long it may take in all. */
  readonly within: Millis
  /** Unix time in seconds for the TLS hello. */
  readonly timestamp: number
  /** `hello`: it is enough that the proxy's own hello is right. */
  readonly goal: 'hello' | 'answer'
}

/** How an attempt failed; `at` is how far it had come. */
export interface Failed {
  readonly kind: 'failed'
  readonly at: 'connect' | 'hello' | 'packet'
  /**
   * - `unreachable`: nobody answers at that address
   * - `web-server`, `alert`, `not-tls`: what answered the TLS hello, instead of a proxy that knows the secret
   * - `closed`, `silent`: it closed the connection, or said nothing in time
   * - `error`: Telegram's answer is an error
   * - `garbled`: what came is no answer to the question
   */
  readonly why: 'unreachable' | 'web-server' | 'alert' | 'not-tls' | 'closed' | 'silent' | 'error' | 'garbled'
  readonly detail: string | null
}

/** How an attempt went; times are in milliseconds, each from the step before. */
export type AttemptResult =
  | {
      readonly kind: 'worked'
      readonly connect: Millis
      /** 0 without fake-TLS: the header is not answered. */
      readonly handshake: Millis
      readonly answer: Millis
    }
  | Failed

/** Connects to a proxy as a client does, asks a data centre for resPQ, and leaves (spec 13). Never rejects. */
export function attempt(options: AttemptOptions): Promise<AttemptResult> {
  return new Promise((resolve) => new Attempt(options, resolve).begin())
}

class Attempt implements LinkSink {
  readonly #options: AttemptOptions
  readonly #settle: (result: AttemptResult) => void
  readonly #nonce = randomBytes(reqPqNonceBytes)
  readonly #times: Millis[] = []
  #link: Link | null = null
  #timer: Timer | null = null
  #step: ClientOpeningStep | null = null
  #codec: ClientCodec | null = null
  #isOver = false

  constructor(options: AttemptOptions, settle: (result: AttemptResult) => void) {
    this.#options = options
    this.#settle = settle
  }

  begin(): void {
    const { clock, dialer, target, within } = this.#options
    const host = target.server.includes(':') ? `[${target.server}]` : target.server
    this.#lap()
    this.#timer = clock.after(within, () => this.#fail('silent'))
    this.#link = dialer.dial({ uri: `tcp://${host}:${target.port}` }, this)
  }

  opened(): void {
    const { target, dcId, timestamp } = this.#options
    this.#lap()
    this.#follow(
      openClient({
        secret: target.secret,
        dcId,
        plainFormat: target.plainFormat,
        timestamp,
        x25519PublicKey: x25519PublicKey(),
        random: randomBytes,
      }),
    )
  }

  data(chunk: Uint8Array): void {
    if (this.#isOver) return
    try {
      if (this.#codec !== null) {
        this.#codec.push(chunk)
        this.#read(this.#codec)
      } else {
        const next = this.#step?.kind === 'hello' ? this.#step.answer(chunk) : null
        if (next !== null) this.#follow(next)
      }
    } catch (cause) {
      this.#fail('garbled', cause instanceof Error ? cause.message : String(cause))
    }
  }

  writable(): void {
    // What a check writes fits into any buffer.
  }

  ended(why: End): void {
    const wasOpen = this.#times.length > 1
    this.#fail(wasOpen ? 'closed' : 'unreachable', wasOpen ? null : (why.detail ?? why.kind))
  }

  #follow(step: ClientOpeningStep): void {
    const { clock, goal } = this.#options
    this.#step = step
    switch (step.kind) {
      case 'hello':
        this.#link?.write(step.send)
        return
      case 'refused':
        this.#fail(step.why)
        return
      case 'ready': {
        this.#lap()
        this.#codec = step.codec
        if (goal === 'hello') {
          this.#worked()
          return
        }
        const packet = step.codec.encode(encodeReqPq({ nonce: this.#nonce, now: clock.wall() }))
        this.#link?.write(Buffer.concat([step.send, packet]))
      }
    }
  }

  #read(codec: ClientCodec): void {
    for (let reply = codec.next(); reply !== null && !this.#isOver; reply = codec.next()) {
      if (reply.kind !== 'packet') continue
      const answer = readReqPqAnswer(reply.payload, this.#nonce)
      if (answer.kind === 'res-pq') this.#worked()
      else if (answer.kind === 'error') this.#fail('error', String(answer.code))
      else this.#fail('garbled', null)
    }
  }

  #lap(): void {
    this.#times.push(this.#options.clock.now())
  }

  #worked(): void {
    this.#lap()
    const [begun = 0, opened = 0, ready = 0, answered = 0] = this.#times
    this.#finish({
      kind: 'worked',
      connect: opened - begun,
      handshake: ready - opened,
      answer: answered - ready,
    })
  }

  #fail(why: Failed['why'], detail: string | null = null): void {
    const at = this.#times.length < 2 ? 'connect' : this.#codec === null ? 'hello' : 'packet'
    this.#finish({ kind: 'failed', at, why, detail })
  }

  #finish(result: AttemptResult): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    this.#link?.destroy(end('closed-by-us'))
    this.#settle(result)
  }
}
