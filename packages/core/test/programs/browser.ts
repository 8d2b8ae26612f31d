import * as core from '@holdfast/core'

// Uses each noun once where `process`, `Buffer` and `require` do not exist.

declare const report: (what: string) => void

for (const name of ['process', 'Buffer', 'require', 'global', 'setImmediate']) {
  if (name in globalThis) throw new Error(`${name} is there`)
}

class Loopback implements core.Link {
  readonly id = core.nextLinkId()
  readonly endpoint = { uri: 'memory:loopback' }
  phase: core.Link['phase'] = 'opening'
  accepted = 0
  readonly unflushed = 0
  readonly #sink: core.LinkSink

  constructor(sink: core.LinkSink) {
    this.#sink = sink
  }
  open(): void {
    this.phase = 'open'
    this.#sink.opened()
  }
  write(chunk: Uint8Array | string): core.WriteResult {
    this.accepted += chunk.length
    this.#sink.data(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk)
    return 'sent'
  }
  pause(): () => void {
    return () => undefined
  }
  end(why: core.End): void {
    this.destroy(why)
  }
  destroy(why: core.End): void {
    if (this.phase === 'ended') return
    this.phase = 'ended'
    this.#sink.ended(why)
  }
}

const env = core.systemEnv()
const heard: number[] = []
const links: Loopback[] = []
const life = core.lifecycle({
  env,
  dialer: {
    dial: (_to, sink) => {
      const link = new Loopback(sink)
      links.push(link)
      return link
    },
  },
  endpoints: [{ uri: 'memory:loopback' }],
  keepalive: { sendEvery: 1000, hearWithin: 3000, arm: 'at-open' },
  outbound: { bytes: 10 },
  protocol: (scope) => {
    scope.ready()
    return { data: (chunk) => heard.push(...chunk) }
  },
})
const phases: string[] = []
life.state$.subscribe(({ phase }) => phases.push(phase))
life.start()
links[0]?.open()
links[0]?.write('ok')
life.close()
const door = core.gate({ clock: env.clock })
door.enter('work')?.done()
if (heard.join() !== '111,107' || phases.at(-1) !== 'closed' || door.inFlight !== 0)
  throw new Error(phases.join())
report('idle to closed in a browser')
