import { kindClass, kinds } from '../wire/kinds.js'
import { isProtected } from '../wire/tags.js'
import type { AdmissionPolicy } from './types.js'

/** Takes every event that is what its author has signed, as a relay for everybody does; protected ones excepted (R86). */
export function openPolicy(): AdmissionPolicy {
  return {
    blocks: () => false,
    mirrors: () => true,
    admit(event) {
      if (event.kind === kinds.auth || kindClass(event.kind) === 'ephemeral')
        return { kind: 'reject', reason: 'not-stored', detail: `kind ${event.kind} is never stored` }
      if (isProtected(event))
        return { kind: 'reject', reason: 'protected', detail: 'the author protects the event' }
      return { kind: 'accept' }
    },
  }
}
