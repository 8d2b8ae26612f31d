/** What it takes to place sessions, and to move those of a link that dies. */
import { type LinkProtocol, type LinkScope, pool } from '@holdfast/core'
import { ScriptedDialer, testEnv } from '@holdfast/core/testing'
import type { Benchmark } from '../../../bench/benchmark.js'

const links = 70
const sessions = 20_000

class Upstream implements LinkProtocol {
  readonly sessions = new Set<number>()

  constructor(scope: LinkScope) {
    scope.ready()
  }

  data(): void {
    // Nothing ever comes.
  }
}

/** Every link of a pool dies in turn, and is dialed again before the next. */
function rotation(): Record<string, number> {
  const env = testEnv()
  const dialer = new ScriptedDialer(env.clock, () => ({ openAfter: 1 }))
  const upstreams = pool<number, Upstream>({
    env,
    size: { min: links, max: links },
    park: { within: 3000, max: sessions },
    slot: { env, dialer, endpoints: [{ uri: 'memory:upstream' }], protocol: (scope) => new Upstream(scope) },
    mover: {
      movable: () => true,
      attach: (session, to) => void to.sessions.add(session),
      detach: (session, from) => void from.sessions.delete(session),
      released: () => undefined,
    },
  })
  upstreams.start()
  env.clock.advance(1000)
  let moved = 0
  upstreams.moves$.subscribe((report) => {
    moved += report.moved
  })
  const took = (act: () => void): number => {
    const began = performance.now()
    act()
    return performance.now() - began
  }
  const binding = took(() => {
    for (let session = 0; session < sessions; session += 1) upstreams.bind(session)
  })
  const each = [...dialer.links].map((link) => {
    const ms = took(() => link.closeByPeer())
    env.clock.advance(60_000)
    return ms
  })
  const moving = each.reduce((sum, ms) => sum + ms, 0)
  upstreams.close()
  return {
    'place one session': (binding * 1000) / sessions,
    'move one session': (moving * 1000) / moved,
    [`move the ${Math.round(sessions / links)} of one link`]: Math.max(...each.slice(links / 2)),
    [`move ${sessions}, link by link`]: (moving * sessions) / moved,
  }
}

const micros = { unit: 'µs', better: 'less' } as const
const millis = { unit: 'ms', better: 'less' } as const

export const benchmarks: readonly Benchmark[] = [
  {
    name: `a pool of ${links} links with ${sessions} sessions`,
    figures: {
      'place one session': micros,
      'move one session': micros,
      [`move the ${Math.round(sessions / links)} of one link`]: { ...millis, limit: 3 },
      [`move ${sessions}, link by link`]: millis,
    },
    subjects: [{ name: 'holdfast', measure: rotation }],
  },
]
