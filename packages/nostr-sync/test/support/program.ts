import { programAt } from '../../../../test-support/program.js'

/** The built program. */
export const { start, run } = programAt(new URL('../../bin/holdfast-nostr-sync.js', import.meta.url))
