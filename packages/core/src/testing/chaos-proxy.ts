import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Millis } from '../index.js'
import { resetStream } from '../node/reset-stream.js'
import { seededRandom } from './seeded-random.js'

/** How a {@link ChaosProxy} treats connections; each may be changed at any time, for what is yet to pass. */
export interface ChaosRules {
  /** How long every chunk is held back, in milliseconds. Default: 0. */
  latency: Millis
  /** How much longer it may be held back, by chance; order is kept. Default: 0. */
  jitter: Millis
  /** Bytes a second in each direction of each connection. Default: no limit. */
  bandwidth: number
  /** Cut what passes into pieces of 1 to so many bytes, by chance. Default: it is left as it comes. */
  slices: number
  /** Close a connection after so many bytes, both directions together. Default: never. */
  closeAfter: number
  /** How {@link ChaosRules.closeAfter} closes. Default: `fin`. */
  closeBy: 'fin' | 'rst'
  /**
   * New connections: `forward` them; `black-hole`: accept, and read nothing; `refuse`: reset them at once.
   *
   * @defaultValue 'forward'
   */
  newcomers: 'forward' | 'black-hole' | 'refuse'
}

/** Options of {@link ChaosProxy.start}. */
export interface ChaosProxyOptions extends Partial<ChaosRules> {
  /** The port on 127.0.0.1 to which connections are forwarded. */
  readonly to: number
  /**
   * Seed of chance: the same one cuts and delays the same traffic alike.
   *
   * @defaultValue 1
   */
  readonly seed?: number
}

/**
 * A TCP proxy on loopback that makes real connections behave badly.
 *
 * It works by real time. Every connection is a pair: the client's and one to the target.
 *
 * @example
 * ```ts no-run
 * import { ChaosProxy } from '@holdfast/core/testing'
 *
 * await using proxy = await ChaosProxy.start({ to: 7000, latency: 50, slices: 3 })
 * console.log(`dial tcp://127.0.0.1:${proxy.port}`)
 * proxy.freeze() // half open: nothing passes, nobody is told
 * proxy.reset() // RST to everybody
 * ```
 */
export class ChaosProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #to: number
  readonly #random: () => number
  readonly #pairs = new Set<Pair>()
  /** In force for what is yet to pass. */
  readonly rules: ChaosRules

  /** Listens on a free port of 127.0.0.1. */
  static async start(options: ChaosProxyOptions): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(options)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor({ to, seed = 1, ...rules }: ChaosProxyOptions) {
    this.#to = to
    this.#random = seededRandom(seed)
    this.rules = { ...gentle, ...rules }
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (client) => {
      this.#admit(client)
    })
  }

  /** Where to dial instead of the target. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How many connections there are; refused ones do not count. */
  get connections(): number {
    return this.#pairs.size
  }

  /** Half-opens every connection: from now on nothing passes and nobody is told, until {@link ChaosProxy.thaw}. */
  freeze(): void {
    for (const pair of this.#pairs) pair.freeze(true)
  }

  /** Lets frozen connections go on; what was held back passes. */
  thaw(): void {
    for (const pair of this.#pairs) pair.freeze(false)
  }

  /** Says FIN to both sides of every connection, after what is under way. */
  finish(): void {
    for (const pair of this.#pairs) pair.finish()
  }

  /** Resets both sides of every connection. */
  reset(): void {
    for (const pair of this.#pairs) pair.reset()
  }

  /** Resets every connection and gives the port back. Twice is harmless. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.reset()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  #admit(client: Socket): void {
    const { newcomers } = this.rules
    if (newcomers === 'refuse') {
      resetStream(client)
      return
    }
    const target = newcomers === 'forward' ? connect({ port: this.#to, host: '127.0.0.1', ...ends }) : null
    const pair = new Pair({
      client,
      target,
      rules: this.rules,
      random: this.#random,
      gone: () => this.#pairs.delete(pair),
    })
    this.#pairs.add(pair)
  }
}

const gentle: ChaosRules = {
  latency: 0,
  jitter: 0,
  bandwidth: Infinity,
  slices: Infinity,
  closeAfter: Infinity,
  closeBy: 'fin',
  newcomers: 'forward',
}

const ends = { allowHalfOpen: true, noDelay: true }

interface PairOptions {
  readonly client: Socket
  readonly target: Socket | null
  readonly rules: ChaosRules
  readonly random: () => number
  readonly gone: () => void
}

/** A client's connection and the one to the target; without a target the client is never answered. */
class Pair {
  readonly #sockets: readonly Socket[]
  readonly #pipes: readonly Pipe[]
  readonly #rules: ChaosRules
  #passed = 0

  constructor({ client, target, rules, random, gone }: PairOptions) {
    this.#rules = rules
    this.#sockets = target === null ? [client] : [client, target]
    const passed = (bytes: number): number => this.#pass(bytes)
    const pipe = (from: Socket, to: Socket): Pipe => new Pipe({ from, to, rules, random, passed })
    this.#pipes = target === null ? [] : [pipe(client, target), pipe(target, client)]
    let left = this.#sockets.length
    for (const socket of this.#sockets) {
      socket
        .on('error', (error: NodeJS.ErrnoException) => {
          // Whatever breaks on one side is broken on the other.
          if (error.code !== undefined) this.reset()
        })
        .on('close', () => {
          left -= 1
          if (left === 0) gone()
        })
    }
  }

  freeze(on: boolean): void {
    for (const pipe of this.#pipes) pipe.freeze(on)
  }

  finish(): void {
    for (const pipe of this.#pipes) pipe.finish()
    if (this.#pipes.length === 0) for (const socket of this.#sockets) socket.end()
  }

  reset(): void {
    for (const pipe of this.#pipes) pipe.stop()
    for (const socket of this.#sockets) {
      // One that is still connecting is reset once it has.
      if (socket.connecting && !socket.writableEnded) socket.resetAndDestroy()
      else if (!socket.destroyed) resetStream(socket)
    }
  }

  /** How many of these bytes may still pass before the connection is closed; closes it when they have. */
  #pass(bytes: number): number {
    const { closeAfter, closeBy } = this.#rules
    const allowed = Math.max(0, Math.min(bytes, closeAfter - this.#passed))
    this.#passed += allowed
    if (this.#passed >= closeAfter) {
      queueMicrotask(() => {
        if (closeBy === 'rst') this.reset()
        else this.finish()
      })
    }
    return allowed
  }
}

interface PipeOptions {
  readonly from: Socket
  readonly to: Socket
  readonly rules: ChaosRules
  readonly random: () => number
  readonly passed: (bytes: number) => number
}

/** What is held back in one direction: pieces of bytes, then perhaps the FIN (`null`). */
interface Held {
  readonly piece: Buffer | null
  readonly due: Millis
}

/** Held bytes above which the sender is read no more; what it sends then fills the kernel's buffers. */
const holdAtMost = 262_144

/** One direction of a pair. */
class Pipe {
  readonly #options: PipeOptions
  readonly #held: Held[] = []
  #heldBytes = 0
  #lastDue: Millis = 0
  #timer: ReturnType<typeof setTimeout> | null = null
  #isFrozen = false
  #isOver = false

  constructor(options: PipeOptions) {
    this.#options = options
    options.from
      .on('data', (chunk: Buffer) => this.#take(chunk))
      .on('end', () => this.finish())
      .resume()
    options.to.on('drain', () => this.#pump())
  }

  freeze(on: boolean): void {
    this.#isFrozen = on
    this.#setReading()
    if (!on) this.#pump()
  }

  /** The FIN, after all that is held. */
  finish(): void {
    this.#hold(null)
    this.#pump()
  }

  stop(): void {
    this.#isOver = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#held.length = 0
  }

  #take(chunk: Buffer): void {
    const { rules, random } = this.#options
    for (let at = 0; at < chunk.length; ) {
      const size = Number.isFinite(rules.slices) ? 1 + Math.floor(random() * rules.slices) : chunk.length
      this.#hold(chunk.subarray(at, at + size))
      at += size
    }
    this.#setReading()
    this.#pump()
  }

  #hold(piece: Buffer | null): void {
    if (this.#isOver) return
    const { latency, jitter, bandwidth } = this.#options.rules
    const now = performance.now()
    const delayed = now + latency + (jitter > 0 ? this.#options.random() * jitter : 0)
    const bytes = piece?.length ?? 0
    // Never before what came earlier, and each byte takes its time on the line.
    this.#lastDue = Math.max(delayed, this.#lastDue) + (bytes / bandwidth) * 1000
    this.#held.push({ piece, due: this.#lastDue })
    this.#heldBytes += bytes
  }

  #pump(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    while (!this.#isFrozen && !this.#isOver && !this.#options.to.writableNeedDrain) {
      const next = this.#held[0]
      if (next === undefined) break
      const wait = next.due - performance.now()
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#pump(), wait)
        break
      }
      this.#held.shift()
      this.#release(next.piece)
    }
    this.#setReading()
  }

  #release(piece: Buffer | null): void {
    const { to, passed } = this.#options
    if (piece === null) {
      this.#isOver = true
      to.end()
      return
    }
    this.#heldBytes -= piece.length
    const allowed = passed(piece.length)
    if (allowed > 0) to.write(piece.subarray(0, allowed))
  }

  #setReading(): void {
    const { from } = this.#options
    // Once the FIN is out, what still comes is read and dropped, so that the sender's own FIN is seen.
    if (this.#isOver || (!this.#isFrozen && this.#heldBytes < holdAtMost)) from.resume()
    else from.pause()
  }
}
