import type { Clock, DrainReport } from '@holdfast/core'
import type { ToxClient } from '../client/tox-client.js'

/** Ends a client as a service's drain: at the end of its links others are told, and everything is saved. Nothing is cut. */
export async function drain(client: ToxClient, clock: Clock): Promise<DrainReport> {
  const began = clock.now()
  const { linksUp } = client.node
  await client.close()
  return { finished: linksUp, cut: [], took: clock.now() - began, timedOut: false }
}
