import type { Millis } from '../end.js'
import type { Step } from '../interpreter.js'
import { type SortedKey, SortedMap } from '../sorted-map.js'
import type { FrozenMember, RosterEvent, RosterMachine, RosterRules, RosterTime } from './model.js'
import type { ForgottenWhy, Member, RosterChange } from './types.js'

/** A roster without members. */
export function emptyRoster<K extends SortedKey, V>(): RosterMachine<K, V> {
  return { live: new SortedMap(), frozen: new SortedMap() }
}

/**
 * Absent → live ⇄ frozen → absent: the pure part of a roster, for machines that hold one as data.
 *
 * A member is never both live and frozen, and after any step no more are frozen than `rules.keep.max`. Retention
 * is enforced by a sweep, and on whoever is named by the event: the expired do not thaw.
 *
 * @example
 * ```ts
 * import { emptyRoster, rosterStep } from '@holdfast/core'
 *
 * const rules = { freezeAfter: 60_000, keep: { for: 900_000 } }
 * const at = (ms: number) => ({ beat: ms, stamp: 1_700_000_000_000 + ms })
 *
 * const joined = rosterStep(emptyRoster<string, number>(), { kind: 'join', key: 'ann', value: 7, at: at(0) }, rules)
 * const swept = rosterStep(joined.state, { kind: 'sweep', at: at(60_000) }, rules)
 * swept.effects // => [{ kind: 'frozen', key: 'ann', value: 7, why: 'silent' }]
 *
 * const touched = rosterStep(swept.state, { kind: 'touch', key: 'ann', at: at(61_000) }, rules)
 * touched.effects // => [{ kind: 'thawed', key: 'ann', value: 7, frozenFor: 1000 }]
 * ```
 */
export function rosterStep<K extends SortedKey, V>(
  state: RosterMachine<K, V>,
  event: RosterEvent<K, V>,
  rules: RosterRules<V>,
): Step<RosterMachine<K, V>, RosterChange<K, V>> {
  const turn = new Turn(state, rules)
  turn.take(event)
  turn.trim()
  const { live, frozen, changes } = turn
  const same = live === state.live && frozen === state.frozen
  return { state: same ? state : { live, frozen }, effects: changes }
}

/** One step in the making: what it has come to so far. */
class Turn<K extends SortedKey, V> {
  live: RosterMachine<K, V>['live']
  frozen: RosterMachine<K, V>['frozen']
  readonly changes: RosterChange<K, V>[] = []
  readonly #rules: RosterRules<V>

  constructor(state: RosterMachine<K, V>, rules: RosterRules<V>) {
    this.live = state.live
    this.frozen = state.frozen
    this.#rules = rules
  }

  take(event: RosterEvent<K, V>): void {
    switch (event.kind) {
      case 'join':
        if (this.#touch(event.key, event.at)) return
        this.#enliven(event.key, event.value, event.at)
        this.changes.push({ kind: 'joined', key: event.key, value: event.value })
        return
      case 'touch':
        this.#touch(event.key, event.at)
        return
      case 'thaw':
        this.#thaw(event.key, event.at)
        return
      case 'freeze':
        this.#freeze(event.key, event.why, event.at)
        return
      case 'forget':
        this.#forget(event.key, 'asked')
        return
      case 'update':
        this.#update(event.key, event.value)
        return
      case 'sweep':
        this.#sweep(event.at)
        return
      case 'restored':
        for (const [key, member] of event.members) this.#restore(key, member, event.at)
        this.#expire(event.at)
        return
    }
  }

  /** Forgets whoever is frozen beyond `keep.max`. */
  trim(): void {
    const { keep, evictFirst = oldestActivity } = this.#rules
    const over = this.frozen.size - (keep?.max ?? Infinity)
    if (over <= 0) return
    const order = [...this.frozen].sort(([, a], [, b]) => evictFirst(a, b))
    for (const [key] of order.slice(0, over)) this.#forget(key, 'evicted')
  }

  /** @returns whether the member is known, and therefore live now */
  #touch(key: K, at: RosterTime): boolean {
    const member = this.live.get(key)
    if (member === undefined) return this.#thaw(key, at)
    if (member.beat !== at.beat || member.lastActive !== at.stamp) this.#enliven(key, member.value, at)
    return true
  }

  #enliven(key: K, value: V, at: RosterTime): void {
    this.live = this.live.set(key, { value, lastActive: at.stamp, beat: at.beat })
  }

  #thaw(key: K, at: RosterTime): boolean {
    const member = this.frozen.get(key)
    if (member === undefined) return false
    if (this.#isExpired(member, at)) {
      this.#forget(key, 'expired')
      return false
    }
    const { value } = member
    this.frozen = this.frozen.delete(key)
    this.#enliven(key, value, at)
    this.changes.push({ kind: 'thawed', key, value, frozenFor: frozenFor(member, at) })
    return true
  }

  #freeze(key: K, why: string, at: RosterTime): void {
    const member = this.live.get(key)
    if (member === undefined) return
    const { value, lastActive } = member
    this.live = this.live.delete(key)
    this.frozen = this.frozen.set(key, { value, lastActive, frozen: { since: at.stamp, why } })
    this.changes.push({ kind: 'frozen', key, value, why })
  }

  #forget(key: K, why: ForgottenWhy): void {
    const member = this.live.get(key) ?? this.frozen.get(key)
    if (member === undefined) return
    this.live = this.live.delete(key)
    this.frozen = this.frozen.delete(key)
    this.changes.push({ kind: 'forgotten', key, value: member.value, why })
  }

  #update(key: K, value: V): void {
    const live = this.live.get(key)
    const frozen = this.frozen.get(key)
    if (live !== undefined && !Object.is(live.value, value))
      this.live = this.live.set(key, { ...live, value })
    if (frozen !== undefined && !Object.is(frozen.value, value))
      this.frozen = this.frozen.set(key, { ...frozen, value })
  }

  #sweep(at: RosterTime): void {
    const { freezeAfter } = this.#rules
    if (freezeAfter !== undefined) {
      this.live.forEach((member, key) => {
        if (at.beat - member.beat >= freezeAfter) this.#freeze(key, 'silent', at)
      })
    }
    this.#expire(at)
  }

  #expire(at: RosterTime): void {
    if (this.#rules.keep?.for === undefined) return
    this.frozen.forEach((member, key) => {
      if (this.#isExpired(member, at)) this.#forget(key, 'expired')
    })
  }

  #restore(key: K, member: Member<V>, at: RosterTime): void {
    if (this.live.has(key) || this.frozen.has(key)) return
    // The wall clock may have been set back between the two processes: then they just went.
    const lastActive = Math.min(member.lastActive, at.stamp)
    const since = Math.min(member.frozen?.since ?? lastActive, at.stamp)
    const why = member.frozen?.why ?? 'restored'
    this.frozen = this.frozen.set(key, { value: member.value, lastActive, frozen: { since, why } })
  }

  #isExpired(member: FrozenMember<V>, at: RosterTime): boolean {
    return frozenFor(member, at) > (this.#rules.keep?.for ?? Infinity)
  }
}

function frozenFor(member: FrozenMember<unknown>, at: RosterTime): Millis {
  return at.stamp - member.frozen.since
}

function oldestActivity(a: Member<unknown>, b: Member<unknown>): number {
  return a.lastActive - b.lastActive
}
