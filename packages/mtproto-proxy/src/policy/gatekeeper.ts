import type { Env, Millis, Store } from '@holdfast/core'
import type { Gatekeeper, Newcomer, Verdict } from '../gatekeeper.js'
import { noMetrics } from '../metrics/no-metrics.js'
import type { ProxyMetrics } from '../metrics/types.js'
import { Policy, type PolicyRules, type SecretFigures } from './policy.js'
import type { Tables } from './tables.js'
import { formatUsage, type Usage, usageOf } from './usage.js'

/** Remembers what has been seen (spec 8). */
export interface SeenKeys {
  /** Whether a key was seen before; it is remembered from now on, or anew. */
  seen(key: Uint8Array, now: Millis): boolean
}

/** What {@link gatekeeper} decides by; can be replaced while it runs. */
export interface GatekeeperRules extends PolicyRules {
  /** Where replays are looked up; `null`: they are not. */
  readonly replay: SeenKeys | null
}

/** Options of {@link gatekeeper}. */
export interface GatekeeperOptions {
  readonly env: Env
  readonly rules: GatekeeperRules
  /**
   * Where it is kept what each secret has used up.
   *
   * @defaultValue nowhere: quotas begin anew with the program
   */
  readonly usage?: Store<Usage>
  /**
   * How often that is saved if it has changed, in milliseconds: what a crash can forget.
   *
   * @defaultValue 30000
   */
  readonly saveEvery?: Millis
  /** @defaultValue counts nothing */
  readonly metrics?: ProxyMetrics
}

/** The gatekeeper of this process. */
export interface LocalGatekeeper extends Gatekeeper, AsyncDisposable {
  /** For adding and removing entries at run time. */
  readonly tables: Tables
  /** How many are inside. */
  readonly size: number
  /** Replaces rules, tables, limits and replay storage. Counts of those inside, and what secrets have used up, stay. */
  reload(rules: GatekeeperRules): void
  /** Connections and bytes of each secret. */
  secrets(): readonly SecretFigures[]
  /** Connections under each name that a limit counts by. */
  counts(): ReadonlyMap<string, number>
}

/**
 * Decides who may come in: first that the newcomer is no replay, then the policy, all of it or nothing (spec 7, 8). Answers
 * at once.
 *
 * Disposing of it saves what secrets have used up.
 *
 * @throws a `HoldfastError` `HF_STORE_CORRUPT` or `HF_STORE_UNREADABLE` when that cannot be read
 */
export async function gatekeeper(options: GatekeeperOptions): Promise<LocalGatekeeper> {
  const { env, usage, saveEvery = 30_000, metrics = noMetrics } = options
  const policy = new Policy(options.rules)
  for (const [name, bytes] of usageOf(await usage?.load())) policy.setUsage(name, bytes)
  let { replay } = options.rules
  let saved = formatUsage(policy.secrets())

  const save = async (): Promise<void> => {
    const next = formatUsage(policy.secrets())
    if (usage === undefined || JSON.stringify(next) === JSON.stringify(saved)) return
    try {
      await usage.save(next)
      saved = next
    } catch (err) {
      env.log.error({ err }, 'what secrets have used up cannot be saved; a restart would forget it')
    }
  }
  const saving = env.clock.sweep(saveEvery, () => void save())

  const judge = (newcomer: Newcomer): Verdict => {
    const { listener, secret, ip, sni } = newcomer
    if (newcomer.replayKey !== null && replay?.seen(newcomer.replayKey, env.clock.now()) === true) {
      return { refused: 'replay_session_detected' }
    }
    const inside = policy.enter({ listener, secret, ip, sni }, env.clock.wall())
    if ('refused' in inside) {
      metrics.listener(listener).refused(inside.refused)
      env.log.debug({ listener, user: secret, why: inside.refused }, 'refused by policy')
      return { refused: 'policy_error' }
    }
    return {
      transferred: (bytes) => inside.transferred(bytes, env.clock.wall()),
      leave: () => inside.leave(),
    }
  }

  return {
    tables: policy.tables,
    get size() {
      return policy.size
    },
    admit(newcomer, decided) {
      decided(judge(newcomer))
      return () => undefined
    },
    mayFront: ({ listener, ip, sni }) => policy.mayFront({ listener, ip, sni, secret: null }),
    reload(rules) {
      policy.replace(rules)
      replay = rules.replay
    },
    secrets: () => policy.secrets(),
    counts: () => policy.counts(),
    async [Symbol.asyncDispose]() {
      saving.cancel()
      await save()
    },
  }
}
