import type { IntakeOutcome } from '../intake/types.js'
import type { RelayMessage } from '../wire/relay-message.js'

/** What a client is told of the event that it sent: OK, with a prefix of NIP-01 where it says no. */
export function answerTo(id: string, outcome: IntakeOutcome): RelayMessage {
  const ok = (accepted: boolean, text: string): RelayMessage => ({ kind: 'ok', id, accepted, text })
  switch (outcome.kind) {
    case 'saved':
      return ok(true, '')
    case 'held':
      return ok(true, `kept aside until there is ${outcome.needs}`)
    case 'known':
      switch (outcome.because) {
        case 'stored':
          return ok(true, 'duplicate: have this event')
        case 'held':
          return ok(true, 'duplicate: kept aside')
        case 'gone':
          return ok(false, 'duplicate: replaced by a newer event, or deleted by its author')
        case 'rejected':
          return ok(false, 'blocked: was not wanted before')
      }
      break
    case 'rejected':
      return ok(false, `${prefixes[outcome.reason]}: ${outcome.detail}`)
    case 'invalid':
      return ok(false, `invalid: ${outcome.why}`)
    case 'failed':
      return ok(false, 'error: could not be stored; try again later')
  }
}

const prefixes = {
  blocked: 'blocked',
  invalid: 'invalid',
  'does-not-list-service': 'blocked',
  'no-announcement': 'blocked',
  'not-authorised': 'restricted',
  orphan: 'blocked',
  'not-stored': 'blocked',
  protected: 'blocked',
} as const

/** Why a link is closed that was told to drain. */
export const goingAway = 'error: the relay is shutting down'
