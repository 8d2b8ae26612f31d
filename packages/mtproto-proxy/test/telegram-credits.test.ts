import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { type CreditAccount, type CreditLimits, Credits } from '../src/telegram/credits.js'

const loose: CreditLimits = { packetsTotal: 1000, bytesTotal: 1_000_000, bytesOfOneClient: 500_000 }

function joined(limits: Partial<CreditLimits>, clients = 1): { credits: Credits; accounts: CreditAccount[] } {
  const credits = new Credits({ ...loose, ...limits })
  const accounts = Array.from({ length: clients }, () => ({ unackedPackets: 0, unackedBytes: 0 }))
  accounts.forEach(() => credits.join())
  return { credits, accounts }
}

describe('6.5 credits', () => {
  it.each([
    ['count_total', { packetsTotal: 2 }],
    ['bytes_total', { bytesTotal: 29 }],
    ['count_per_upstream', { packetsPerClient: 2 }],
    ['bytes_per_upstream', { bytesPerClient: 29 }],
  ] as const)('stop at %s, one above the limit, and go on below it', (state, limits) => {
    const { credits, accounts } = joined(limits)
    const [client] = accounts as [CreditAccount]
    credits.deliver(client, 10)
    credits.deliver(client, 10)
    expect(credits.overflow).toBe(null)
    credits.deliver(client, 10)
    expect(credits.overflow).toBe(state)
    credits.ack(client, 1, 10)
    expect(credits.overflow).toBe(null)
  })

  it('name the first limit that is exceeded in the order of the specification', () => {
    const all = { packetsTotal: 0, bytesTotal: 0, packetsPerClient: 0, bytesPerClient: 0 }
    const names = [
      { ...all },
      { ...all, packetsTotal: 9 },
      { ...all, packetsTotal: 9, bytesTotal: 9999 },
      { ...all, packetsTotal: 9, bytesTotal: 9999, packetsPerClient: 9 },
    ].map((limits) => {
      const { credits, accounts } = joined(limits)
      credits.deliver(accounts[0]!, 100)
      return credits.overflow
    })
    expect(names).toEqual(['count_total', 'bytes_total', 'count_per_upstream', 'bytes_per_upstream'])
  })

  it('keep the first reason while another limit is still exceeded', () => {
    const { credits, accounts } = joined({ packetsTotal: 1, bytesTotal: 15 })
    credits.deliver(accounts[0]!, 10)
    credits.deliver(accounts[0]!, 10)
    expect(credits.overflow).toBe('count_total')
    credits.ack(accounts[0]!, 1, 0)
    expect(credits.overflow).toBe('count_total')
    credits.ack(accounts[0]!, 0, 10)
    expect(credits.overflow).toBe(null)
  })

  it('are given back by a client that leaves, and its share of the average with it', () => {
    const { credits, accounts } = joined({ packetsPerClient: 1 }, 2)
    const [first, second] = accounts as [CreditAccount, CreditAccount]
    credits.deliver(first, 10)
    credits.deliver(second, 10)
    credits.deliver(second, 10)
    expect(credits.overflow).toBe('count_per_upstream')
    credits.leave(second)
    expect(credits.overflow).toBe(null)
    expect([credits.packets, credits.bytes]).toEqual([1, 10])
    expect(second).toEqual({ unackedPackets: 0, unackedBytes: 0 })
  })

  it('say of a client that it alone has too much in hand', () => {
    const { credits, accounts } = joined({ bytesOfOneClient: 20 })
    credits.deliver(accounts[0]!, 20)
    expect(credits.isOverdrawn(accounts[0]!)).toBe(false)
    credits.deliver(accounts[0]!, 1)
    expect(credits.isOverdrawn(accounts[0]!)).toBe(true)
  })

  const client = fc.nat({ max: 4 })
  const action = fc.oneof(
    fc.record({ kind: fc.constant('deliver' as const), client, bytes: fc.nat({ max: 500 }) }),
    fc.record({
      kind: fc.constant('ack' as const),
      client,
      packets: fc.nat({ max: 3 }),
      bytes: fc.nat({ max: 700 }),
    }),
    fc.record({ kind: fc.constant('leave' as const), client }),
    fc.record({ kind: fc.constant('join' as const), client }),
  )
  const limit = fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined })

  test.prop([
    fc.record({
      packetsTotal: fc.integer({ min: 1, max: 20 }),
      bytesTotal: fc.integer({ min: 1, max: 3000 }),
      packetsPerClient: limit,
      bytesPerClient: limit,
      bytesOfOneClient: fc.constant(100_000),
    }),
    fc.array(action, { maxLength: 60 }),
  ])(
    'always equal the sum over the clients, and stop exactly while a limit is exceeded',
    (limits, actions) => {
      const credits = new Credits(limits)
      const accounts = new Map<number, CreditAccount>()
      let wasStopped: string | null = null
      for (const each of actions) {
        const account = accounts.get(each.client)
        if (each.kind === 'join') {
          if (account !== undefined) continue
          accounts.set(each.client, { unackedPackets: 0, unackedBytes: 0 })
          credits.join()
        } else if (account === undefined) continue
        else if (each.kind === 'deliver') credits.deliver(account, each.bytes)
        else if (each.kind === 'ack') credits.ack(account, each.packets, each.bytes)
        else {
          credits.leave(account)
          accounts.delete(each.client)
        }
        const all = [...accounts.values()]
        const packets = all.reduce((sum, { unackedPackets }) => sum + unackedPackets, 0)
        const bytes = all.reduce((sum, { unackedBytes }) => sum + unackedBytes, 0)
        expect([credits.packets, credits.bytes]).toEqual([packets, bytes])
        const exceeded =
          packets > limits.packetsTotal ||
          bytes > limits.bytesTotal ||
          packets > all.length * (limits.packetsPerClient ?? Infinity) ||
          bytes > all.length * (limits.bytesPerClient ?? Infinity)
        if (all.length > 0) expect(credits.overflow !== null).toBe(exceeded)
        if (wasStopped !== null && credits.overflow !== null) expect(credits.overflow).toBe(wasStopped)
        wasStopped = credits.overflow
      }
    },
  )
})
