import { programAt } from '../../../../test-support/program.js'

/** The built program. */
export const { start, run } = programAt(new URL('../../bin/holdfast-tcp-replication.js', import.meta.url))
