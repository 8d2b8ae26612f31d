import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileStore } from '@holdfast/core/node'
import { testEnv } from '@holdfast/core/testing'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import type { Admitted, Newcomer, Verdict } from '../src/gatekeeper.js'
import { prometheusMetrics } from '../src/metrics/prometheus-metrics.js'
import { type GatekeeperRules, gatekeeper, type LocalGatekeeper } from '../src/policy/gatekeeper.js'
import type { SecretLimits } from '../src/policy/policy.js'
import { parseUsage } from '../src/policy/usage.js'

const alice: SecretLimits = {
  name: 'alice',
  isEnabled: true,
  expiresAt: null,
  quotaBytes: 1000,
  maxConnections: null,
}
const open: GatekeeperRules = { rules: [], tables: new Map(), secrets: [], replay: null }
const newcomer = (more: Partial<Newcomer> = {}): Newcomer => ({
  listener: 'main',
  secret: 'alice',
  ip: '192.0.2.7',
  sni: null,
  replayKey: new Uint8Array([1, 2, 3]),
  ...more,
})

function verdict(keeper: LocalGatekeeper, more: Partial<Newcomer> = {}): Verdict {
  let given: Verdict | undefined
  keeper.admit(newcomer(more), (each) => {
    expect(given).toBeUndefined()
    given = each
  })
  if (given === undefined) throw new Error('no verdict')
  return given
}

function admitted(keeper: LocalGatekeeper, more: Partial<Newcomer> = {}): Admitted {
  const given = verdict(keeper, more)
  if ('refused' in given) throw new Error(given.refused)
  return given
}

/** Remembers keys for ever. */
function replayStore(): { seen(key: Uint8Array, now: number): boolean; readonly asked: number[] } {
  const known = new Set<string>()
  const asked: number[] = []
  return {
    asked,
    seen(key, now) {
      asked.push(now)
      const text = key.toString()
      const was = known.has(text)
      known.add(text)
      return was
    },
  }
}

describe('the gatekeeper', () => {
  it('8 refuses who was seen before, before it looks at the policy', async () => {
    const replay = replayStore()
    const env = testEnv()
    const rules = { ...open, rules: [{ kind: 'max_connections', keys: [], max: 1 }] as const, replay }
    await using keeper = await gatekeeper({ env, rules })
    env.clock.advance(5)
    admitted(keeper)
    expect(replay.asked).toEqual([5])
    expect(verdict(keeper)).toEqual({ refused: 'replay_session_detected' })
    expect(verdict(keeper, { replayKey: new Uint8Array([9]) })).toEqual({ refused: 'policy_error' })
    expect(keeper.size).toBe(1)
    expect(keeper.counts()).toEqual(new Map([['', 1]]))
  })

  it('10 counts anew, without looking it up again, who was in when a back restarted', async () => {
    const replay = replayStore()
    await using keeper = await gatekeeper({ env: testEnv(), rules: { ...open, replay } })
    admitted(keeper, { replayKey: null })
    admitted(keeper, { replayKey: null })
    expect([keeper.size, replay.asked]).toEqual([2, []])
  })

  it('counts what the policy refused, by the rule', async () => {
    const registry = new Registry()
    const rules: GatekeeperRules = { ...open, secrets: [{ ...alice, isEnabled: false }] }
    await using keeper = await gatekeeper({ env: testEnv(), rules, metrics: prometheusMetrics(registry) })
    verdict(keeper)
    expect(await registry.metrics()).toContain(
      'mtproto_proxy_policy_refused_total{listener="main",why="secret_disabled"} 1',
    )
  })

  it('3.6 says whom to relay to a decoy', async () => {
    const key = { kind: 'client_ipv4', bits: 32 } as const
    const rules: GatekeeperRules = {
      ...open,
      rules: [{ kind: 'not_in_table', key, table: 'banned' }],
      tables: new Map([['banned', ['192.0.2.7']]]),
    }
    await using keeper = await gatekeeper({ env: testEnv(), rules })
    expect(keeper.mayFront({ listener: 'main', ip: '192.0.2.7', sni: 'a.example' })).toBe(false)
    expect(keeper.mayFront({ listener: 'main', ip: '192.0.2.8', sni: 'a.example' })).toBe(true)
  })

  it('expires a secret by civil time', async () => {
    const env = testEnv()
    const rules: GatekeeperRules = { ...open, secrets: [{ ...alice, expiresAt: env.clock.wall() + 1000 }] }
    await using keeper = await gatekeeper({ env, rules })
    const inside = admitted(keeper)
    env.clock.advance(999)
    expect(inside.transferred(1)).toBe(true)
    env.clock.advance(1)
    expect(inside.transferred(1)).toBe(false)
    expect(verdict(keeper)).toEqual({ refused: 'policy_error' })
  })

  it('takes new rules, tables, limits and replay storage, and keeps who is inside', async () => {
    await using keeper = await gatekeeper({ env: testEnv(), rules: { ...open, secrets: [alice] } })
    const inside = admitted(keeper)
    inside.transferred(600)
    const replay = replayStore()
    keeper.reload({
      rules: [{ kind: 'max_connections', keys: [{ kind: 'secret' }], max: 1 }],
      tables: new Map([['t', ['x']]]),
      secrets: [{ ...alice, quotaBytes: 601 }],
      replay,
    })
    expect(keeper.tables.sizes()).toEqual({ t: 1 })
    expect(verdict(keeper)).toEqual({ refused: 'policy_error' })
    expect(replay.asked).toHaveLength(1)
    expect(inside.transferred(1)).toBe(false)
    inside.leave()
    expect(keeper.secrets()).toEqual([{ name: 'alice', connections: 0, bytes: 601 }])
  })
})

describe('what secrets have used up', () => {
  it('is saved at intervals and at the end, and outlives a restart', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'usage.json')
    const usage = fileStore({ path, parse: parseUsage })
    const rules: GatekeeperRules = { ...open, secrets: [alice] }
    const env = testEnv()
    const saves: number[] = []
    const watched = {
      load: () => usage.load(),
      save: async (value: Parameters<typeof usage.save>[0]) => {
        saves.push(value.bytes['alice'] ?? 0)
        await usage.save(value)
      },
    }
    {
      await using keeper = await gatekeeper({ env, rules, usage: watched, saveEvery: 30_000 })
      const inside = admitted(keeper)
      inside.transferred(400)
      env.clock.advance(30_000)
      await expect.poll(() => saves).toEqual([400])
      await expect.poll(() => readFile(path, 'utf8').catch(() => '')).toContain('400')
      env.clock.advance(60_000)
      expect(saves).toEqual([400])
      inside.transferred(599)
    }
    expect(saves).toEqual([400, 999])
    expect(env.clock.pending).toBe(0)
    await using again = await gatekeeper({ env, rules, usage })
    expect(admitted(again).transferred(1)).toBe(false)
    expect(verdict(again)).toEqual({ refused: 'policy_error' })
  })

  it('is not begun anew when the file is damaged: the start fails and says what to do', async () => {
    const usage = {
      load: () => Promise.resolve(parseUsage({ version: 1, bytes: { alice: 'many' } })),
      save: async () => {},
    }
    await expect(gatekeeper({ env: testEnv(), rules: open, usage })).rejects.toThrow()
  })

  it('is told of when it cannot be saved, and saved later', async () => {
    const env = testEnv()
    let broken = true
    const saved: object[] = []
    const usage = {
      load: () => Promise.resolve(undefined),
      save: async (value: object) => {
        if (broken) throw new Error('disk full')
        saved.push(value)
      },
    }
    const errors: string[] = []
    const log = { ...env.log, error: (_: object, text: string) => errors.push(text) }
    await using keeper = await gatekeeper({ env: { ...env, log }, rules: open, usage })
    admitted(keeper).transferred(5)
    env.clock.advance(30_000)
    await expect.poll(() => errors).toHaveLength(1)
    broken = false
    env.clock.advance(30_000)
    await expect.poll(() => saved).toEqual([{ version: 1, bytes: { alice: 5 } }])
  })
})
