import type { Env, Feed, LinkScope, WriteResult } from '@holdfast/core'
import type { Intake } from '../intake/types.js'
import type { EventStore } from '../store/types.js'
import type { RelayMessage } from '../wire/relay-message.js'
import type { EndpointStats } from './endpoint-stats.js'
import type { Reconciliations } from './reconciliations.js'
import type { SavedEvent, SavedLog } from './saved-log.js'
import type { EndpointAuth, EndpointLimits } from './types.js'

/** What all clients of an endpoint share. */
export interface SharedByClients {
  readonly env: Env
  readonly store: EventStore
  readonly intake: Intake
  readonly limits: EndpointLimits
  readonly auth: EndpointAuth | null
  readonly stats: EndpointStats
  readonly log: SavedLog
  readonly feed: Feed<number, SavedEvent>
  readonly reconciliations: Reconciliations
}

/** One client, as the parts of its session know it. */
export interface Client {
  readonly shared: SharedByClients
  readonly scope: LinkScope
  /** Sends a message, and reads no more of the client while it does not read. */
  send(message: RelayMessage): WriteResult
  /** {@link Client.send} of an event whose JSON is there already. */
  sendSaved(subscription: string, json: string): WriteResult
}
