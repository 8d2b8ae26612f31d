import { programAt } from '../../../../test-support/program.js'

/** The built program. */
export const { start, run } = programAt(new URL('../../bin/holdfast-conference.js', import.meta.url))
