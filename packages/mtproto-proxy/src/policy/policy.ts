import type { WallStamp } from '@holdfast/core'
import { counterName, type PolicyFacts, type PolicyRule, policyValue } from './rules.js'
import { Tables } from './tables.js'

/** What a secret's owner may do. */
export interface SecretLimits {
  /** Its name; the same name on several ports is one owner. */
  readonly name: string
  readonly isEnabled: boolean
  /** When it stops being valid, or `null`. */
  readonly expiresAt: WallStamp | null
  /** Bytes in both directions together, or `null` for any number. */
  readonly quotaBytes: number | null
  readonly maxConnections: number | null
}

/** All that decides who may come in. */
export interface PolicyRules {
  /** In order; the first that fails refuses. */
  readonly rules: readonly PolicyRule[]
  /** Each table's entries. */
  readonly tables: ReadonlyMap<string, readonly string[]>
  /** Secrets that are not in the list have no limits. */
  readonly secrets: readonly SecretLimits[]
}

/** Why somebody was not let in. The first three are rules (spec 7), the others limits of the secret. */
export type PolicyRefusal = PolicyRule['kind'] | SecretRefusal

/** Why the owner of a secret may not come in, or not go on. */
type SecretRefusal =
  | 'secret_disabled'
  | 'secret_removed'
  | 'secret_expired'
  | 'secret_quota'
  | 'secret_max_connections'

/** Somebody who was let in and has not left. */
export interface Inside {
  readonly facts: PolicyFacts
  /** Adds to what the secret has used up; says whether it may go on. */
  transferred(bytes: number, at: WallStamp): boolean
  /** Gives back what was reserved. Idempotent. */
  leave(): void
}

/** Figures of one secret. */
export interface SecretFigures {
  readonly name: string
  readonly connections: number
  /** Bytes in both directions, over all runs of the program. */
  readonly bytes: number
}

/** One owner of a secret: what is counted outlives changes of its limits. */
interface Owner {
  readonly name: string
  limits: SecretLimits | null
  /** It was in the list once: if it is not now, it was taken away. */
  wasListed: boolean
  connections: number
  bytes: number
}

/**
 * Rules, tables, limits of secrets, and the counts of who is inside. Pure: told the time, and in one step. Whoever is refused
 * leaves nothing counted; whoever was let in is counted under the current rules until `leave`, new rules included.
 */
export class Policy {
  readonly tables = new Tables()
  #rules: readonly PolicyRule[] = []
  readonly #owners = new Map<string, Owner>()
  readonly #inside = new Map<Inside, readonly string[]>()
  #counts = new Map<string, number>()

  constructor(rules: PolicyRules) {
    this.replace(rules)
  }

  /** How many are inside. */
  get size(): number {
    return this.#inside.size
  }

  /** Connections under each name that a limit counts by, such as `port_name=main client_ipv4=192.0.2.7`. */
  counts(): ReadonlyMap<string, number> {
    return this.#counts
  }

  /** Figures of all secrets that are listed or were ever used. */
  secrets(): readonly SecretFigures[] {
    return [...this.#owners.values()].map(({ name, connections, bytes }) => ({ name, connections, bytes }))
  }

  /** Sets what a secret has used up, as it was saved. */
  setUsage(name: string, bytes: number): void {
    this.#owner(name).bytes = bytes
  }

  /** Lets somebody in, or says why not. */
  enter(
    facts: PolicyFacts & { readonly secret: string },
    at: WallStamp,
  ): Inside | { refused: PolicyRefusal } {
    const failed = this.#rules.find((rule) => !this.#passes(rule, facts))
    if (failed !== undefined) return { refused: failed.kind }
    const owner = this.#owner(facts.secret)
    const { maxConnections = null } = owner.limits ?? {}
    const refused =
      refusalOf(owner, at) ??
      (maxConnections !== null && owner.connections >= maxConnections ? 'secret_max_connections' : null)
    if (refused !== null) return { refused }
    owner.connections += 1
    const inside: Inside = {
      facts,
      transferred(bytes, now) {
        owner.bytes += bytes
        return refusalOf(owner, now) === null
      },
      leave: () => {
        const names = this.#inside.get(inside)
        if (names === undefined) return
        this.#inside.delete(inside)
        owner.connections -= 1
        for (const name of names) this.#uncount(name)
      },
    }
    this.#count(inside)
    return inside
  }

  /** Whether a client without a valid secret may be relayed to a decoy: all rules but limits (spec 3.6). */
  mayFront(facts: PolicyFacts): boolean {
    return this.#rules.every((rule) => rule.kind === 'max_connections' || this.#passes(rule, facts))
  }

  /**
   * Puts new rules, tables and limits into force. Nobody is cut by rules; owners of secrets that were disabled or taken
   * away are, when they next transfer something. Those inside are counted anew if other keys are counted.
   */
  replace({ rules, tables, secrets }: PolicyRules): void {
    this.#rules = rules
    this.tables.configure(tables)
    for (const owner of this.#owners.values()) owner.limits = null
    for (const limits of secrets) {
      const owner = this.#owner(limits.name)
      owner.limits = limits
      owner.wasListed = true
    }
    this.#counts = new Map()
    for (const inside of this.#inside.keys()) this.#count(inside)
  }

  #passes(rule: PolicyRule, facts: PolicyFacts): boolean {
    switch (rule.kind) {
      case 'in_table': {
        const value = policyValue(rule.key, facts)
        return value === null || this.tables.has(rule.table, value)
      }
      case 'not_in_table': {
        const value = policyValue(rule.key, facts)
        return value === null || !this.tables.has(rule.table, value)
      }
      case 'max_connections': {
        const name = counterName(rule.keys, facts)
        return name === null || (this.#counts.get(name) ?? 0) < rule.max
      }
    }
  }

  #count(inside: Inside): void {
    const names = new Set<string>()
    for (const rule of this.#rules) {
      if (rule.kind !== 'max_connections') continue
      const name = counterName(rule.keys, inside.facts)
      if (name !== null) names.add(name)
    }
    for (const name of names) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    this.#inside.set(inside, [...names])
  }

  #uncount(name: string): void {
    const count = (this.#counts.get(name) ?? 0) - 1
    if (count > 0) this.#counts.set(name, count)
    else this.#counts.delete(name)
  }

  #owner(name: string): Owner {
    let owner = this.#owners.get(name)
    if (owner === undefined) {
      owner = { name, limits: null, wasListed: false, connections: 0, bytes: 0 }
      this.#owners.set(name, owner)
    }
    return owner
  }
}

function refusalOf({ limits, wasListed, bytes }: Owner, at: WallStamp): SecretRefusal | null {
  if (limits === null) return wasListed ? 'secret_removed' : null
  if (!limits.isEnabled) return 'secret_disabled'
  if (limits.expiresAt !== null && at >= limits.expiresAt) return 'secret_expired'
  if (limits.quotaBytes !== null && bytes >= limits.quotaBytes) return 'secret_quota'
  return null
}
