/** A machine together with its environment, as a graph to be searched. */
export interface Exploration<S, E> {
  readonly initial: S
  /** Everything that the environment may do in this state. */
  events(state: S): Iterable<E>
  /** The machine's pure step, with its effects carried out on the environment's part of the state. */
  step(state: S, event: E): S
  /** `null` when every invariant holds, otherwise a sentence that says which is broken. */
  check(state: S, event: E, before: S): string | null
  /** Two states with the same key are the same state; JSON by default. */
  key?(state: S): string
  /** Longest list of events tried; unbounded by default, which requires a finite graph. */
  readonly maxDepth?: number
}

/** What {@link explore} found. */
export interface ExplorationResult<E> {
  /** How many distinct states were visited. */
  readonly states: number
  /** How many steps were taken. */
  readonly steps: number
  /** Whether every reachable state was visited: nothing was found, and `maxDepth` cut nothing off. */
  readonly complete: boolean
  /** The shortest list of events that breaks an invariant, if there is one. */
  readonly counterExample: CounterExample<E> | null
}

/** The shortest way to break an invariant. */
export interface CounterExample<E> {
  readonly violated: string
  readonly events: readonly E[]
}

/** How a state was reached first. The states on the way are not kept. */
interface Path<E> {
  readonly to: Path<E> | null
  readonly event: E
}

/**
 * Searches every reachable state, nearest first, so that the first violation found has the shortest list of
 * events. A step that throws is a violation as well.
 *
 * @example
 * ```ts
 * import { explore } from '@holdfast/core/testing'
 *
 * const result = explore<number, 'up'>({
 *   initial: 0,
 *   events: () => ['up'],
 *   step: (n) => n + 1,
 *   check: (n) => (n > 2 ? 'too high' : null),
 * })
 * result.counterExample // => { violated: 'too high', events: ['up', 'up', 'up'] }
 * ```
 */
export function explore<S, E>(exploration: Exploration<S, E>): ExplorationResult<E> {
  const keyOf = exploration.key?.bind(exploration) ?? ((state: S) => JSON.stringify(state))
  const maxDepth = exploration.maxDepth ?? Infinity
  const seen = new Set([keyOf(exploration.initial)])
  let frontier: { state: S; path: Path<E> | null }[] = [{ state: exploration.initial, path: null }]
  let steps = 0
  for (let depth = 0; frontier.length > 0; depth += 1) {
    if (depth >= maxDepth) return { states: seen.size, steps, complete: false, counterExample: null }
    const next: typeof frontier = []
    for (const { state: before, path } of frontier) {
      for (const event of exploration.events(before)) {
        steps += 1
        const { violated, state } = attempt(exploration, before, event)
        if (violated !== null) {
          const counterExample = { violated, events: eventsOf({ to: path, event }) }
          return { states: seen.size, steps, complete: false, counterExample }
        }
        if (state === before) continue
        const known = seen.size
        if (seen.add(keyOf(state)).size > known) next.push({ state, path: { to: path, event } })
      }
    }
    frontier = next
  }
  return { states: seen.size, steps, complete: true, counterExample: null }
}

/** Lays a counter-example out for people: what is broken, then one event a line. */
export function describeCounterExample<E>(found: CounterExample<E>): string {
  const events = found.events.map((event, index) => `  ${index + 1}. ${JSON.stringify(event)}`)
  return [`${found.violated}, after ${found.events.length} events:`, ...events].join('\n')
}

function attempt<S, E>(
  exploration: Exploration<S, E>,
  before: S,
  event: E,
): { violated: string; state: null } | { violated: null; state: S } {
  try {
    const state = exploration.step(before, event)
    const violated = exploration.check(state, event, before)
    return violated === null ? { violated, state } : { violated, state: null }
  } catch (thrown) {
    return { violated: `the step threw ${String(thrown)}`, state: null }
  }
}

function eventsOf<E>(path: Path<E>): E[] {
  const events: E[] = []
  for (let at: Path<E> | null = path; at !== null; at = at.to) events.unshift(at.event)
  return events
}
