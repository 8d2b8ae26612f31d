import {
  end,
  type Lifecycle,
  type LifecycleOptions,
  type LinkProtocol,
  lifecycle,
  systemEnv,
} from '@holdfast/core'
import { FaultyLink } from '@holdfast/core/testing'

// Runs one scenario on the host's clock and prints what still holds the process; nothing here ever calls exit.

const links: FaultyLink[] = []

function started(options: Partial<LifecycleOptions<LinkProtocol>> = {}): Lifecycle {
  const life = lifecycle<LinkProtocol>({
    env: systemEnv(),
    dialer: {
      dial: (to, sink) => {
        const link = new FaultyLink(to, sink)
        links.push(link)
        return link
      },
    },
    endpoints: [{ uri: 'memory:a' }],
    protocol: (scope) => {
      scope.ready()
      return {}
    },
    keepalive: { sendEvery: 1000, hearWithin: 5000, arm: 'at-open' },
    ...options,
  })
  life.start()
  return life
}

const say = (what: unknown): void => console.log(JSON.stringify(what))
const held = (): string[] => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')

const scenario = process.argv[2] ?? 'waiting'
switch (scenario) {
  case 'closed while waiting': {
    const life = started()
    links[0]?.closeByPeer()
    life.close()
    break
  }
  case 'closed while dialing':
    started().close()
    break
  case 'failed':
    started({ advise: () => ({ kind: 'never' }) })
    links[0]?.fail(end('dial-failed'))
    break
  case 'drained': {
    const life = started()
    links[0]?.open()
    await life.drain({ within: 60_000 })
    break
  }
  case 'waiting': {
    const life = started({ backoff: () => 50 })
    links[0]?.closeByPeer()
    say(held())
    life.state$.subscribe(({ phase }) => {
      if (phase !== 'dialing' || links.length < 2) return
      say('dialed again')
      life.close()
    })
    break
  }
}
if (scenario !== 'waiting') say(held())
