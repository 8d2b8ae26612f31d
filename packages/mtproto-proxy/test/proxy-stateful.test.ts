import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { FakeConnection } from '../src/testing/fake-connection.js'
import type { TestClient } from '../src/testing/test-client.js'
import { numbered, RunningProxy, secret } from './support/running-proxy.js'

/** A client, and what it should have seen. */
interface Known {
  readonly client: TestClient
  sent: number
}

interface World {
  readonly running: RunningProxy
  readonly open: Known[]
  opened: number
  sent: number
  /** Clients that we closed ourselves, and those that Telegram closed. */
  closed: number
  closedByTelegram: number
}

type Action =
  | { readonly kind: 'connect'; readonly format: 'abridged' | 'intermediate' | 'dd' | 'ee' }
  | { readonly kind: 'echo' | 'close' | 'ask-for-close'; readonly which: number }
  | { readonly kind: 'rotate'; readonly by: 'fin' | 'rst' }

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('connect' as const),
      format: fc.constantFrom('abridged' as const, 'intermediate' as const, 'dd' as const, 'ee' as const),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('echo' as const), which: fc.nat({ max: 20 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('close' as const), which: fc.nat({ max: 20 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('ask-for-close' as const), which: fc.nat({ max: 20 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('rotate' as const),
      by: fc.constantFrom('fin' as const, 'rst' as const),
    }),
  },
)

const domain = Buffer.from('www.example.com').toString('hex')

async function act(world: World, step: Action): Promise<void> {
  const { running, open } = world
  switch (step.kind) {
    case 'connect': {
      const { format } = step
      const options =
        format === 'dd'
          ? { secret: `dd${secret}` }
          : format === 'ee'
            ? { secret: `ee${secret}${domain}` }
            : { secret, format }
      const known: Known = { client: running.client(options), sent: 0 }
      open.push(known)
      world.opened += 1
      await echo(world, known)
      return
    }
    case 'rotate':
      await running.telegram.rotate({ by: step.by })
      return
    case 'echo':
    case 'close':
    case 'ask-for-close': {
      const known = open[step.which % open.length]
      if (known === undefined) return
      if (step.kind === 'echo') await echo(world, known)
      else await end(world, known, step.kind)
    }
  }
}

async function echo(world: World, known: Known): Promise<void> {
  known.sent += 1
  world.sent += 1
  const packet = numbered(world.sent, 40 + 4 * (world.sent % 50))
  const answer = await known.client.ask(packet)
  expect(answer?.subarray(0, packet.length)).toEqual(packet)
}

async function end(world: World, known: Known, how: 'close' | 'ask-for-close'): Promise<void> {
  const { running, open } = world
  open.splice(open.indexOf(known), 1)
  if (how === 'close') {
    world.closed += 1
    await known.client.close()
    return
  }
  // Telegram has to have heard of it on the connection where it is now.
  await echo(world, known)
  const at = locate(running, known.client.address)
  if (at === undefined) throw new Error('Telegram does not know a client that has just spoken')
  world.closedByTelegram += 1
  at.connection.closeExt(at.connId)
  await known.client.until(() => known.client.phase === 'closed')
}

function locate(
  running: RunningProxy,
  address: string,
): { connection: FakeConnection; connId: bigint } | undefined {
  for (const connection of running.telegram.connections) {
    for (const [connId, client] of connection.clients) {
      if (client.address === address && client.closed === null) return { connection, connId }
    }
  }
  return undefined
}

describe('14.13 whatever clients and Telegram do, in whatever order', () => {
  test.prop([fc.array(action, { maxLength: 40 })], { numRuns: 15 })(
    'clients, metrics and Telegram count the same packets, openings and ends',
    async (steps) => {
      await using running = await RunningProxy.start({ centers: { stableAfter: 5 } })
      const world: World = { running, open: [], opened: 0, sent: 0, closed: 0, closedByTelegram: 0 }
      for (const step of steps) await act(world, step)

      const ended = world.closed + world.closedByTelegram
      while ((await running.metric('in_connection_closed_total')) < ended) await new Promise(setImmediate)
      expect(await running.metric('in_connection_total')).toBe(world.opened)
      expect(await running.metric('in_connection_closed_total')).toBe(ended)
      expect(await running.metric('protocol_ok_total')).toBe(world.opened)
      expect(
        await running.metric('tg_packet_size_bytes', { direction: 'upstream_to_downstream', le: '+Inf' }),
      ).toBe(world.sent)
      expect(running.telegram.stats).toMatchObject({
        requests: world.sent,
        answered: world.sent,
        lost: 0,
        late: 0,
      })
      expect(world.open.map(({ client }) => client.phase)).toEqual(world.open.map(() => 'ready'))
      // Whoever lost its connection a moment ago may still wait for the next one.
      const { links, parked } = running.proxy.state.dataCenters.get(2) ?? { links: [], parked: 0 }
      expect(links.reduce((sum, { bound }) => sum + bound, parked)).toBe(world.open.length)
      expect(running.proxy.state.listeners[0]?.links).toBe(world.open.length)
    },
    30_000,
  )
})
