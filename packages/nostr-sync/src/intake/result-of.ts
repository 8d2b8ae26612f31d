import type { EventResult } from './event-counts.js'
import type { IntakeOutcome } from './types.js'

/** As what an outcome is counted, and shown. */
export function resultOf(outcome: IntakeOutcome): Exclude<EventResult, 'unsolicited'> {
  return outcome.kind === 'known' ? 'duplicate' : outcome.kind
}
