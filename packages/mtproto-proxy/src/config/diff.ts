import { isDeepStrictEqual } from 'node:util'
import { HoldfastError } from '@holdfast/core'
import { factsOf, type OptionFacts } from './meta.js'
import { configSchema } from './schema.js'
import type { ListenerSettings, ProxySettings } from './settings.js'

/** An option whose value has changed. */
export interface ChangedOption extends Omit<OptionFacts, 'about' | 'secret'> {
  readonly option: string
}

/** What a reload has to do. */
export interface ConfigDiff {
  readonly listeners: {
    /** New ones, and those whose address, or whether they take PROXY protocol, has changed. */
    readonly start: readonly ListenerSettings[]
    /** Names of those that are gone or changed; their clients are closed. Stop them before starting the others. */
    readonly stop: readonly string[]
    /** Same address, other secrets, tags or domains: for new clients; those inside stay. */
    readonly update: readonly ListenerSettings[]
    /** Names of those that are as they were. */
    readonly keep: readonly string[]
  }
  /** Options that have changed and can be changed, those left out that this half does not look at. */
  readonly changed: readonly ChangedOption[]
  /** Options that have changed and cannot be while the program runs. If there are any, nothing may be applied. */
  readonly refused: readonly string[]
}

/** Compares settings with newer ones (spec 11, last column). A reload applies all of it or nothing. */
export function configDiff(old: ProxySettings, next: ProxySettings): ConfigDiff {
  const changed: ChangedOption[] = []
  const refused: string[] = []
  const otherSide = { both: undefined, front: 'back', back: 'front' }[next.role]
  for (const [option, schema] of Object.entries(configSchema.shape)) {
    const field = option as keyof typeof configSchema.shape
    const facts = factsOf(schema)
    if (facts === undefined || isDeepStrictEqual(old.options[field], next.options[field])) continue
    const { reload, side } = facts
    if (side !== undefined && side === otherSide) continue
    if (reload === 'restart') refused.push(option)
    else changed.push({ option, reload, ...(side !== undefined && { side }) })
  }
  return { listeners: compareListeners(old.listeners, next.listeners), changed, refused }
}

/**
 * Compares as {@link configDiff}, for a program that is to take the newer settings.
 *
 * @throws a `HoldfastError` `HF_MTPROTO_NEEDS_RESTART` that names what cannot be changed while it runs
 */
export function reloadDiff(old: ProxySettings, next: ProxySettings): ConfigDiff {
  const diff = configDiff(old, next)
  if (diff.refused.length === 0) return diff
  throw new HoldfastError(
    'HF_MTPROTO_NEEDS_RESTART',
    `${diff.refused.join(', ')} cannot be changed while the proxy runs: nothing was changed; restart it`,
  )
}

function compareListeners(
  old: readonly ListenerSettings[],
  next: readonly ListenerSettings[],
): ConfigDiff['listeners'] {
  const before = new Map(old.map((listener) => [listener.name, listener]))
  const after = new Map(next.map((listener) => [listener.name, listener]))
  const start: ListenerSettings[] = []
  const update: ListenerSettings[] = []
  const keep: string[] = []
  for (const listener of next) {
    const was = before.get(listener.name)
    if (was === undefined || !isSameSocket(was, listener)) start.push(listener)
    else if (isDeepStrictEqual(was, listener)) keep.push(listener.name)
    else update.push(listener)
  }
  const stop = old.filter((was) => {
    const is = after.get(was.name)
    return is === undefined || !isSameSocket(was, is)
  })
  return { start, stop: stop.map(({ name }) => name), update, keep }
}

function isSameSocket(a: ListenerSettings, b: ListenerSettings): boolean {
  return a.at.uri === b.at.uri && isDeepStrictEqual(a.balancers, b.balancers)
}
