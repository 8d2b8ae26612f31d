import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { type Inside, Policy, type PolicyRules, type SecretLimits } from '../src/policy/policy.js'
import { counterName, type PolicyKey, type PolicyRule, parseKey } from '../src/policy/rules.js'

const key = (text: string): PolicyKey => {
  const parsed = parseKey(text)
  if (parsed === null) throw new Error(text)
  return parsed
}
const max = (n: number, ...keys: readonly string[]): PolicyRule => ({
  kind: 'max_connections',
  keys: keys.map(key),
  max: n,
})
const inTable = (name: string, table = 't'): PolicyRule => ({ kind: 'in_table', key: key(name), table })
const notInTable = (name: string, table = 't'): PolicyRule => ({
  kind: 'not_in_table',
  key: key(name),
  table,
})
const rules = (...list: readonly PolicyRule[]): PolicyRules => ({
  rules: list,
  tables: new Map(),
  secrets: [],
})
const table = (...entries: readonly string[]): ReadonlyMap<string, readonly string[]> =>
  new Map([['t', entries]])
const limits = (more: Partial<SecretLimits>): SecretLimits => ({
  name: 'alice',
  isEnabled: true,
  expiresAt: null,
  quotaBytes: null,
  maxConnections: null,
  ...more,
})
const client = (more: object = {}): { listener: string; secret: string; ip: string; sni: string | null } => ({
  listener: 'main',
  secret: 'alice',
  ip: '192.0.2.7',
  sni: null,
  ...more,
})
const enter = (policy: Policy, more: object = {}, at = 0): Inside => {
  const inside = policy.enter(client(more), at)
  if ('refused' in inside) throw new Error(`refused: ${inside.refused}`)
  return inside
}

describe('7 max_connections', () => {
  it('14.6 refuses the third of two, and has room again after a close', () => {
    const policy = new Policy(rules(max(2, 'port_name', 'client_ipv4')))
    const first = enter(policy)
    enter(policy)
    expect(policy.enter(client(), 0)).toEqual({ refused: 'max_connections' })
    enter(policy, { ip: '192.0.2.8' })
    enter(policy, { listener: 'other' })
    first.leave()
    first.leave()
    enter(policy)
    expect(policy.enter(client(), 0)).toEqual({ refused: 'max_connections' })
  })

  it('counts networks', () => {
    const policy = new Policy(rules(max(1, 'client_ipv4_subnet/24'), max(1, 'client_ipv6_subnet/64')))
    enter(policy, { ip: '192.0.2.1' })
    expect(policy.enter(client({ ip: '192.0.2.254' }), 0)).toEqual({ refused: 'max_connections' })
    enter(policy, { ip: '192.0.3.1' })
    enter(policy, { ip: '2001:db8:0:1::1' })
    expect(policy.enter(client({ ip: '2001:db8:0:1:ffff::' }), 0)).toEqual({ refused: 'max_connections' })
    enter(policy, { ip: '2001:db8:0:2::1' })
  })

  it('lets those pass, uncounted, for whom one of its keys does not apply', () => {
    const policy = new Policy(rules(max(0, 'client_ipv4', 'tls_domain')))
    enter(policy)
    expect(policy.counts()).toEqual(new Map())
    expect(policy.enter(client({ sni: 'a.example' }), 0)).toEqual({ refused: 'max_connections' })
  })

  it('14.6 leaves nothing counted when a later rule refuses', () => {
    const policy = new Policy({
      ...rules(max(1, 'client_ipv4'), inTable('tls_domain')),
      tables: table('a.example'),
    })
    expect(policy.enter(client({ sni: 'b.example' }), 0)).toEqual({ refused: 'in_table' })
    expect(policy.counts()).toEqual(new Map())
    expect(policy.size).toBe(0)
    enter(policy, { sni: 'a.example' })
  })

  it('counts once where two limits have the same keys', () => {
    const policy = new Policy(rules(max(5, 'secret'), max(2, 'secret')))
    const first = enter(policy)
    enter(policy)
    expect(policy.counts()).toEqual(new Map([['secret=alice', 2]]))
    expect(policy.enter(client(), 0)).toEqual({ refused: 'max_connections' })
    first.leave()
    expect(policy.counts()).toEqual(new Map([['secret=alice', 1]]))
  })
})

describe('7 in_table and not_in_table', () => {
  it('allow and deny', () => {
    const allow = new Policy({ ...rules(inTable('client_ipv4')), tables: table('192.0.2.0/24') })
    enter(allow)
    expect(allow.enter(client({ ip: '192.0.3.1' }), 0)).toEqual({ refused: 'in_table' })
    const deny = new Policy({ ...rules(notInTable('client_ipv4')), tables: table('192.0.2.0/24') })
    expect(deny.enter(client(), 0)).toEqual({ refused: 'not_in_table' })
    enter(deny, { ip: '192.0.3.1' })
  })

  it('let those pass to whom the key does not apply: a list of domains does not restrict who shows none', () => {
    const policy = new Policy({
      ...rules(inTable('tls_domain'), inTable('client_ipv6')),
      tables: table('a.example'),
    })
    enter(policy)
    enter(policy, { sni: 'A.EXAMPLE' })
    expect(policy.enter(client({ sni: 'b.example' }), 0)).toEqual({ refused: 'in_table' })
  })

  it('see changes of a table at once', () => {
    const policy = new Policy({ ...rules(notInTable('client_ipv4')), tables: table() })
    enter(policy)
    policy.tables.add('t', '192.0.2.7')
    expect(policy.enter(client(), 0)).toEqual({ refused: 'not_in_table' })
    policy.tables.delete('t', '192.0.2.7')
    enter(policy)
  })

  it('3.6 apply to who is relayed to a decoy, limits do not', () => {
    const policy = new Policy({
      ...rules(max(0, 'port_name'), notInTable('client_ipv4')),
      tables: table('192.0.2.7'),
    })
    const bad = { listener: 'main', secret: null, sni: 'a.example' }
    expect(policy.mayFront({ ...bad, ip: '192.0.2.7' })).toBe(false)
    expect(policy.mayFront({ ...bad, ip: '192.0.2.8' })).toBe(true)
  })
})

describe('limits of secrets', () => {
  it.each([
    [{ isEnabled: false }, 'secret_disabled'],
    [{ expiresAt: 1000 }, 'secret_expired'],
    [{ quotaBytes: 0 }, 'secret_quota'],
    [{ maxConnections: 0 }, 'secret_max_connections'],
  ] as const)('%j refuses with %s', (more, refused) => {
    const policy = new Policy({ ...rules(), secrets: [limits(more)] })
    expect(policy.enter(client(), 1000)).toEqual({ refused })
    enter(policy, { secret: 'bob' })
  })

  it('hold until the moment of expiry', () => {
    const policy = new Policy({ ...rules(), secrets: [limits({ expiresAt: 1000 })] })
    const inside = enter(policy, {}, 999)
    expect(inside.transferred(1, 999)).toBe(true)
    expect(inside.transferred(1, 1000)).toBe(false)
  })

  it('count the bytes of all connections of a secret, and cut them when it has used up its quota', () => {
    const policy = new Policy({ ...rules(), secrets: [limits({ quotaBytes: 100 })] })
    const [first, second] = [enter(policy), enter(policy, { listener: 'other' })]
    expect(first.transferred(60, 0)).toBe(true)
    expect(second.transferred(39, 0)).toBe(true)
    expect(second.transferred(1, 0)).toBe(false)
    expect(first.transferred(0, 0)).toBe(false)
    expect(policy.secrets()).toEqual([{ name: 'alice', connections: 2, bytes: 100 }])
    policy.replace({ ...rules(), secrets: [limits({ quotaBytes: 200 })] })
    expect(first.transferred(0, 0)).toBe(true)
  })

  it('cut who was disabled or taken away meanwhile', () => {
    const policy = new Policy({ ...rules(), secrets: [limits({})] })
    const inside = enter(policy)
    policy.replace({ ...rules(), secrets: [limits({ isEnabled: false })] })
    expect(inside.transferred(1, 0)).toBe(false)
    policy.replace({ ...rules(), secrets: [limits({})] })
    expect(inside.transferred(1, 0)).toBe(true)
    policy.replace({ ...rules(), secrets: [] })
    expect(inside.transferred(1, 0)).toBe(false)
    expect(policy.enter(client(), 0)).toEqual({ refused: 'secret_removed' })
  })
})

describe('7 reload', () => {
  it('keeps the counts, and counts those inside by keys that are new', () => {
    const policy = new Policy(rules(max(2, 'client_ipv4')))
    const first = enter(policy)
    enter(policy)
    policy.replace(rules(max(2, 'client_ipv4'), max(2, 'port_name')))
    expect(policy.enter(client({ ip: '192.0.2.8' }), 0)).toEqual({ refused: 'max_connections' })
    policy.replace(rules())
    first.leave()
    policy.replace(rules(max(2, 'client_ipv4')))
    expect(policy.counts()).toEqual(new Map([['client_ipv4=192.0.2.7', 1]]))
  })

  const oneRule = fc.oneof(
    fc
      .tuple(
        fc.integer({ min: 0, max: 3 }),
        fc.subarray(['port_name', 'secret', 'client_ipv4', 'client_ipv4_subnet/24', 'tls_domain'], {
          minLength: 1,
        }),
      )
      .map(([n, keys]) => max(n, ...keys)),
    fc.constantFrom('client_ipv4', 'tls_domain', 'secret').map((name) => notInTable(name)),
  )
  const newRules = fc.record({
    rules: fc.array(oneRule, { maxLength: 4 }),
    tables: fc.subarray(['192.0.2.1', 'a.example', 'bob']).map((entries) => table(...entries)),
    secrets: fc
      .array(
        fc.record({ name: fc.constantFrom('alice', 'bob'), max: fc.option(fc.integer({ min: 0, max: 3 })) }),
        { maxLength: 2 },
      )
      .map((list) => list.map(({ name, max: maxConnections }) => limits({ name, maxConnections }))),
  })
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('enter' as const),
        listener: fc.constantFrom('main', 'other'),
        secret: fc.constantFrom('alice', 'bob'),
        ip: fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.1', '2001:db8::1'),
        sni: fc.constantFrom(null, 'a.example', 'b.example'),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: fc.nat({ max: 20 }) }) },
    { weight: 1, arbitrary: newRules.map((to) => ({ kind: 'reload' as const, to })) },
  )

  property.prop([newRules, fc.array(step, { maxLength: 60 })])(
    'after any admissions, departures and reloads every count equals the number of those inside',
    (first, steps) => {
      const policy = new Policy(first)
      let current = first
      const here: Inside[] = []
      for (const each of steps) {
        if (each.kind === 'reload') {
          policy.replace(each.to)
          current = each.to
        } else if (each.kind === 'leave') {
          const [leaver] = here.splice(each.who % Math.max(1, here.length), 1)
          leaver?.leave()
          leaver?.leave()
        } else {
          const { listener, secret, ip, sni } = each
          const inside = policy.enter({ listener, secret, ip, sni }, 0)
          if (!('refused' in inside)) here.push(inside)
        }
        expect(policy.counts()).toEqual(countedByHand(current.rules, here))
        expect(policy.size).toBe(here.length)
        for (const { name, connections } of policy.secrets()) {
          expect(connections).toBe(here.filter(({ facts }) => facts.secret === name).length)
        }
      }
      for (const inside of here) inside.leave()
      expect(policy.counts().size).toBe(0)
    },
  )
})

function countedByHand(list: readonly PolicyRule[], here: readonly Inside[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const keySets = new Map(
    list.flatMap((rule) =>
      rule.kind === 'max_connections' ? [[JSON.stringify(rule.keys), rule.keys] as const] : [],
    ),
  )
  for (const keys of keySets.values()) {
    for (const { facts } of here) {
      const name = counterName(keys, facts)
      if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  return counts
}
