import type { CursorMachine, CursorRules } from './state.js'

/** What sealing a batch at this position comes to, in this state. */
export function judgeSeal<P>(
  state: CursorMachine<P>,
  to: P | null,
  rules: CursorRules<P>,
): 'ok' | 'old' | 'gap' {
  // What is sealed during a resync is judged at its end, by the position that it brings.
  if (to === null || rules.next === undefined || state.received === null || state.verdict !== null)
    return 'ok'
  const verdict = rules.next(state.received.at, to)
  return verdict === 'old' || verdict === 'gap' ? verdict : 'ok'
}

/** What advancing to this position comes to, in this state. */
export function judgeAdvance<P>(state: CursorMachine<P>, to: P, rules: CursorRules<P>): 'ok' | 'back' {
  if (state.verdict !== null || state.received === null) return 'ok'
  return rules.compare(to, state.received.at) < 0 ? 'back' : 'ok'
}
