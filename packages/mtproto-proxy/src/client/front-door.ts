import {
  type Acceptor,
  type DrainReport,
  type Endpoint,
  type Listener,
  type ListenerState,
  listen,
  type Millis,
  type Timer,
} from '@holdfast/core'
import type { ClientSettings, ListenerSettings } from '../config/settings.js'
import { ClientPort, type ClientSide } from './client-port.js'
import { ClientSession } from './client-session.js'

/** Options of {@link FrontDoor}. */
export interface FrontDoorOptions extends ClientSide {
  readonly acceptor: Acceptor
  readonly client: ClientSettings
  /** Connections of each listener. */
  readonly maxConnections: number
}

/** A listener as it is. */
export interface ListenerFigures extends ListenerState {
  readonly name: string
  /** What was bound, with the real port where 0 was asked for. */
  readonly endpoint: Endpoint
}

interface Door {
  readonly port: ClientPort
  readonly listener: Listener<ClientSession>
}

/** Silence is judged in steps of this, with one timer for all clients. */
const tickEvery: Millis = 1000
/** What may wait for a client: more than any one answer of Telegram's. Long before that its health is judged. */
const outboundBytes = 32 * 1024 * 1024

/** However many want to come in at once, half of a port's connections are for those who are in. */
function newcomersAmong(connections: number): number {
  return Math.max(Math.min(connections, 64), Math.ceil(connections / 2))
}

/** The listeners of a process, and who came in by them. Listeners come and go; those that stay keep their clients. */
export class FrontDoor {
  readonly #options: FrontDoorOptions
  readonly #doors = new Map<string, Door>()
  #client: ClientSettings
  #maxConnections: number
  readonly #ticks: Timer

  constructor(options: FrontDoorOptions) {
    this.#options = options
    this.#client = options.client
    this.#maxConnections = options.maxConnections
    this.#ticks = options.env.clock.sweep(tickEvery, (now) => this.#tick(now))
  }

  /** What listens. */
  get listeners(): readonly ListenerFigures[] {
    return [...this.#doors].map(([name, { listener }]) => ({
      name,
      endpoint: listener.endpoint,
      ...listener.state,
    }))
  }

  /** Whether it listens under this name. */
  has(name: string): boolean {
    return this.#doors.has(name)
  }

  /** Whether this is one of the ports that we listen on, whatever the address. */
  isOurPort(port: number): boolean {
    return this.listeners.some(({ endpoint }) => endpoint.uri.endsWith(`:${port}`))
  }

  /**
   * Listens.
   *
   * @throws a `HoldfastError` `HF_LISTEN_FAILED` when the address cannot be bound
   */
  async open(settings: ListenerSettings): Promise<void> {
    const { env, acceptor } = this.#options
    const maxConnections = (): number => this.#maxConnections
    const maxNewcomers = (): number => newcomersAmong(this.#maxConnections)
    const port = new ClientPort(this.#options, settings, {
      settings: this.#client,
      maxIgnored: () => maxNewcomers() / 2,
    })
    const client = (): ClientSettings => this.#client
    const listener = await listen<ClientSession>({
      env: { ...env, name: `${env.name} ${settings.name}` },
      acceptor,
      at: settings.at,
      protocol: (scope) => new ClientSession(scope, port),
      limits: {
        get links() {
          return maxConnections()
        },
        get handshaking() {
          return maxNewcomers()
        },
      },
      get handshakeWithin() {
        return client().initWithin
      },
      get outbound() {
        return { bytes: outboundBytes, age: client().sendWithin }
      },
    })
    this.#doors.set(settings.name, { port, listener })
  }

  /** Stops listening, and closes all who came in that way. */
  async close(name: string): Promise<void> {
    const door = this.#doors.get(name)
    this.#doors.delete(name)
    await door?.listener[Symbol.asyncDispose]()
  }

  /** Takes other settings: for who comes from now on, and times for those who are there. */
  update(settings: {
    readonly listeners: readonly ListenerSettings[]
    readonly client: ClientSettings
    readonly maxConnections: number
  }): void {
    this.#client = settings.client
    this.#maxConnections = settings.maxConnections
    for (const listener of settings.listeners) {
      this.#doors.get(listener.name)?.port.reload(listener, settings.client)
    }
  }

  /** Takes nobody in any more, lets packets that are under way get out, and closes all. */
  async drain(o: { readonly within: Millis }): Promise<DrainReport[]> {
    const reports = await Promise.all([...this.#doors.values()].map(({ listener }) => listener.drain(o)))
    this.#ticks.cancel()
    return reports
  }

  /** Closes everything at once. */
  closeAll(): void {
    this.#ticks.cancel()
    for (const { listener } of this.#doors.values()) listener.close()
  }

  #tick(now: Millis): void {
    for (const { listener } of this.#doors.values()) {
      for (const session of listener.links.values()) session.tick(now)
    }
  }
}
