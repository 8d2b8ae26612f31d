import type { NostrEvent } from '../wire/event.js'
import type { BacklogPlace } from './backlog.js'
import type { IntakeOutcome } from './types.js'

/** An event on its way in. */
export interface Entry {
  readonly event: NostrEvent
  readonly place: BacklogPlace
  readonly tell: (outcome: IntakeOutcome) => void
}
