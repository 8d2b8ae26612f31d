import type { ReceivedClientMessage } from '../wire/client-message.js'
import type { RelayMessage } from '../wire/relay-message.js'

/** What an endpoint counts, from its start on. */
export class EndpointStats {
  /** Messages of clients, by kind; `refused` are those that could not be read. */
  readonly received = new Map<ReceivedClientMessage['kind'], number>()
  /** Messages to clients, by kind. */
  readonly sent = new Map<RelayMessage['kind'], number>()
  /** Subscriptions that are open. */
  subscriptions = 0
  /** Subscriptions that were closed because their client read too slowly. */
  slowSubscriptions = 0
  /** Reconciliations that are open. */
  negentropySessions = 0
  /** Items that these hold. */
  negentropyItems = 0

  /** Counts a message of a client. */
  countReceived(kind: ReceivedClientMessage['kind']): void {
    this.received.set(kind, (this.received.get(kind) ?? 0) + 1)
  }

  /** Counts a message to a client. */
  countSent(kind: RelayMessage['kind']): void {
    this.sent.set(kind, (this.sent.get(kind) ?? 0) + 1)
  }
}
