import { type Dialer, type Env, end, type Link, type LinkSink, type Millis, type Off } from '@holdfast/core'
import type { ClientSettings, FrontingTarget } from '../config/settings.js'
import { isInnerAddress } from './inner-address.js'
import type { Connection, Stage } from './stage.js'

/** What {@link Fronting} needs of its host. */
export interface FrontingOptions {
  readonly env: Env
  readonly dialer: Dialer
  /** The addresses of a host. */
  readonly resolve: (host: string) => Promise<readonly string[]>
  /** Whether this is where we listen ourselves: relaying there would go round in circles. */
  readonly isOurs: (host: string, port: number) => boolean
}

/** A bad client that is to be relayed. */
export interface Fronted {
  /** All that it has sent. */
  readonly bytes: Uint8Array
  /** The host that it asks for, or `null`. */
  readonly sni: string | null
  readonly settings: ClientSettings
}

const tlsPort = 443

/** Relays bad clients to the site behind which the proxy hides (spec 3.6): what they see is that site. */
export class Fronting {
  readonly #options: FrontingOptions
  #active = 0
  #relayed = 0

  constructor(options: FrontingOptions) {
    this.#options = options
  }

  /** How many are being relayed. */
  get active(): number {
    return this.#active
  }

  /** Bytes relayed so far, both ways. */
  get relayedBytes(): number {
    return this.#relayed
  }

  /** Begins to relay; `null` if there is nowhere to, or no room. */
  open(connection: Connection, link: Link, fronted: Fronted): Stage | null {
    const { settings } = fronted
    const target = targetOf(settings.fronting.target, fronted.sni)
    if (target === null || this.#active >= settings.fronting.maxConnections) return null
    this.#active += 1
    const stage = new FrontStage(connection, link, fronted, {
      options: this.#options,
      moved: (bytes) => {
        this.#relayed += bytes
      },
      left: () => {
        this.#active -= 1
      },
    })
    void stage.connect(target)
    return stage
  }
}

interface Target {
  readonly host: string
  readonly port: number
  /** A stranger has named it, so it must not lead into the network that we are in. */
  readonly isForeign: boolean
}

function targetOf(target: FrontingTarget, sni: string | null): Target | null {
  switch (target.kind) {
    case 'off':
      return null
    case 'sni':
      return sni === null ? null : { host: sni, port: tlsPort, isForeign: true }
    case 'fixed':
      return { host: target.host, port: target.port, isForeign: false }
  }
}

/** What a {@link FrontStage} tells {@link Fronting}. */
interface Relay {
  readonly options: FrontingOptions
  readonly moved: (bytes: number) => void
  readonly left: () => void
}

/** One bad client and the site that answers it. */
class FrontStage implements Stage {
  readonly #connection: Connection
  readonly #client: Link
  readonly #fronted: Fronted
  readonly #relay: Relay
  readonly #startedAt: Millis
  #target: Link | null = null
  /** The client is not read: the target is not there yet, or full. */
  #clientHeld: Off | null
  #targetHeld: Off | null = null
  #activeAt: Millis
  /** Who has said that it writes no more. */
  #clientDone = false
  #targetDone = false
  #isOver = false

  constructor(connection: Connection, client: Link, fronted: Fronted, relay: Relay) {
    this.#connection = connection
    this.#client = client
    this.#fronted = fronted
    this.#relay = relay
    this.#clientHeld = client.pause()
    this.#startedAt = this.#activeAt = this.#now
  }

  async connect({ host, port, isForeign }: Target): Promise<void> {
    const { env, resolve, isOurs, dialer } = this.#relay.options
    const fields = { name: env.name, host, port }
    const addresses = await resolve(host).catch((err: unknown) => {
      env.log.warn({ ...fields, err }, 'the site to relay to cannot be looked up')
      return []
    })
    if (this.#isOver) return
    const address = addresses.find((each) => !isOurs(each, port) && !(isForeign && isInnerAddress(each)))
    if (address === undefined) {
      if (addresses.length > 0) {
        env.log.warn(fields, 'the site to relay to is ourselves, or within our network: not relayed')
      }
      this.#connection.close('fronting-target')
      return
    }
    const uri = `tcp://${address.includes(':') ? `[${address}]` : address}:${port}`
    this.#target = dialer.dial({ uri }, this.#sink())
  }

  data(chunk: Uint8Array): void {
    if (this.#target !== null) this.#toTarget(this.#target, chunk)
  }

  writable(): void {
    const off = this.#targetHeld
    this.#targetHeld = null
    off?.()
  }

  /** Half closed: the site may still answer. */
  finished(): boolean {
    this.#clientDone = true
    this.#target?.finish?.()
    return !this.#targetDone
  }

  tick(now: Millis): void {
    const { initWithin, fronting } = this.#fronted.settings
    const isConnecting = this.#target?.phase !== 'open'
    const isLate = isConnecting
      ? now - this.#startedAt >= fronting.connectWithin
      : now - this.#activeAt >= initWithin
    if (isLate) this.#connection.close('inactive')
  }

  settle(done: () => void): void {
    done()
  }

  leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#relay.left()
    this.#target?.end(overByUs)
  }

  #sink(): LinkSink {
    return {
      opened: () => {
        if (this.#target !== null) this.#toTarget(this.#target, this.#fronted.bytes)
        this.#readClient()
      },
      data: (chunk) => this.#toClient(chunk),
      writable: () => this.#readClient(),
      finished: () => {
        this.#targetDone = true
        this.#client.finish?.()
        return !this.#clientDone
      },
      ended: () => {
        this.#target = null
        this.#connection.close('fronting-over')
      },
    }
  }

  #readClient(): void {
    const off = this.#clientHeld
    this.#clientHeld = null
    off?.()
  }

  #toTarget(target: Link, chunk: Uint8Array): void {
    this.#hasMoved(chunk)
    // A link may keep what it is given, and what comes in is only lent.
    if (target.write(new Uint8Array(chunk)) === 'full') this.#clientHeld ??= this.#client.pause()
  }

  #toClient(chunk: Uint8Array): void {
    this.#hasMoved(chunk)
    const target = this.#target
    if (this.#client.write(new Uint8Array(chunk)) === 'full' && target !== null) {
      this.#targetHeld ??= target.pause()
    }
  }

  #hasMoved(chunk: Uint8Array): void {
    this.#activeAt = this.#now
    this.#relay.moved(chunk.length)
  }

  get #now(): Millis {
    return this.#relay.options.env.clock.now()
  }
}

const overByUs = end('closed-by-us', { code: 'fronting', advice: { kind: 'never' } })
