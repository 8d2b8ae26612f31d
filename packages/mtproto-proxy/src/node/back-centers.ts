import { end } from '@holdfast/core'
import type { RunningDataCenters } from '../proxy.js'
import type { FrontSide } from '../split/front-side.js'

/** The data centres of a back, for a proxy that is a front. It listens although the back is not there yet (spec 10). */
export function backCenters(front: FrontSide): RunningDataCenters {
  return {
    open: (request, client) => front.dataCenters.open(request, client),
    state: new Map(),
    start: () => undefined,
    whenUsable: () => Promise.resolve(),
    drain: async (o) => {
      await front.pool.drain(o)
    },
    close: () => front.pool.close(end('closed-by-us')),
  }
}
