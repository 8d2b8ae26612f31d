import {
  type Accepting,
  type Acceptor,
  type AcceptSink,
  type Endpoint,
  type LifecycleOptions,
  type LinkProtocol,
  type LinkScope,
  lifecycle,
} from '@holdfast/core'
import {
  FaultyLink,
  type FaultyLinkOptions,
  ScriptedDialer,
  type TestEnv,
  testEnv,
} from '@holdfast/core/testing'

/** A protocol that is ready at once and remembers what it was told. */
export class Recorder implements LinkProtocol {
  readonly scope: LinkScope
  readonly told: string[] = []

  constructor(scope: LinkScope) {
    this.scope = scope
    scope.ready()
  }

  data(chunk: Uint8Array): void {
    this.told.push(`data ${Buffer.from(chunk).toString()}`)
  }
  writable(): void {
    this.told.push('writable')
  }
  probe(): void {
    this.told.push('probe')
  }
  retire(deadline: number): void {
    this.told.push(`retire by ${deadline}`)
  }
  ended(why: { kind: string }): void {
    this.told.push(`ended ${why.kind}`)
  }
}

/** A started lifecycle whose one link is open; the test is its peer. */
export function connected<P extends LinkProtocol = Recorder>(
  options: Partial<LifecycleOptions<P>> & { readonly link?: FaultyLinkOptions } = {},
) {
  const { link: plan = {}, ...given } = options
  const env = (given.env ?? testEnv()) as TestEnv
  const dialer = new ScriptedDialer(env.clock, () => plan)
  const life = lifecycle<P>({
    env,
    dialer,
    endpoints: [{ uri: 'memory:peer' }],
    protocol: (scope) => new Recorder(scope) as LinkProtocol as P,
    ...given,
  })
  life.start()
  dialer.last.open()
  const protocol = life.current!
  return { env, clock: env.clock, dialer, life, link: dialer.last, protocol }
}

/** An acceptor whose peers the test lets in. */
export class ScriptedAcceptor implements Acceptor {
  readonly links: FaultyLink[] = []
  closed = 0
  #sink: AcceptSink | null = null

  accept(at: Endpoint, sink: AcceptSink): Promise<Accepting> {
    this.#sink = sink
    const close = (): Promise<void> => {
      this.closed += 1
      return Promise.resolve()
    }
    return Promise.resolve({ endpoint: { ...at, uri: `${at.uri}:1234` }, close })
  }

  /** A peer comes in, and its link opens at once. @returns the link, or null if the peer was refused */
  comes(from = 'tcp://192.0.2.1:5000', options: FaultyLinkOptions = {}): FaultyLink | null {
    const before = this.links.length
    this.#sink?.incoming(
      (sink) => {
        const link = new FaultyLink({ uri: from }, sink, options)
        this.links.push(link)
        return link
      },
      { uri: from },
    )
    const link = this.links[before]
    link?.open()
    return link ?? null
  }

  breaks(cause: Error): void {
    this.#sink?.failed(cause)
  }
}
