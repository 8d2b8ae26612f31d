import { programAt } from '../../../../test-support/program.js'

/** The built program. */
export const {
  path: bin,
  run,
  start,
} = programAt(new URL('../../bin/holdfast-mtproto-proxy.js', import.meta.url))
