import type { Acceptor, DrainReport, End, Env, ListenerState, Millis } from '@holdfast/core'
import type { WebSocketEndpoint } from '@holdfast/core/web-socket'
import type { Intake } from '../intake/types.js'
import type { EventStore } from '../store/types.js'
import type { Verifier } from '../verify/types.js'
import type { RelayInfo } from '../wire/relay-info.js'
import type { EndpointStats } from './endpoint-stats.js'

/** Bounds of what clients may ask of us. All are published where NIP-11 has a field for them. */
export interface EndpointLimits {
  /** @defaultValue 1000 */
  readonly clients: number
  /** Clients from one address; behind a proxy all of them are. @defaultValue Infinity */
  readonly clientsPerAddress: number
  /** Bytes of a message; more ends the link. @defaultValue 524288 */
  readonly messageBytes: number
  /** Open subscriptions of one client. @defaultValue 200 */
  readonly subscriptions: number
  /** Filters of one REQ or COUNT. @defaultValue 100 */
  readonly filters: number
  /** Values in the lists of one filter. @defaultValue 2000 */
  readonly filterValues: number
  /** Stored events for one filter, whatever `limit` it has. @defaultValue 5000 */
  readonly storedEvents: number
  /** Stored events for a filter without `limit`. @defaultValue 500 */
  readonly defaultStoredEvents: number
  /** Events up to which a COUNT is exact. @defaultValue 10000 */
  readonly count: number
  /** Reconciliations of one client at a time (NIP-77). @defaultValue 8 */
  readonly negentropySessions: number
  /** Items of one reconciliation; more is refused, and the client has to ask for less. @defaultValue 1000000 */
  readonly negentropyItems: number
  /** Items of all reconciliations of all clients, 36 bytes each. @defaultValue 4000000 */
  readonly negentropyItemsOfAll: number
  /** Bytes of a message of ours in a reconciliation, half of what they take as hex (R101). @defaultValue 60000 */
  readonly negentropyFrameBytes: number
}

/** Who has to say who they are (NIP-42). */
export interface EndpointAuth {
  /** Our URL as clients know it: what they sign. */
  readonly url: string
  /**
   * Serve nobody else; otherwise clients may authenticate, and need not.
   *
   * @defaultValue false
   */
  readonly required?: boolean
  readonly verifier: Verifier
  /** Whether an author is let in; everybody who proves to be somebody by default. */
  readonly allows?: (pubkey: string) => boolean
}

/** Options of {@link relayEndpoint}. Store and intake stay their owner's to close. */
export interface RelayEndpointOptions {
  readonly env: Env
  /** Where to listen: `ws://HOST:PORT`, or `wss://` with certificates. NIP-11 is answered there as well. */
  readonly at: WebSocketEndpoint
  /** @defaultValue WebSockets */
  readonly acceptor?: Acceptor
  readonly store: EventStore
  readonly intake: Intake
  /** What the relay says about itself; limits and NIPs are filled in (R94). */
  readonly info?: Partial<Omit<RelayInfo, 'limitation' | 'supportedNips'>>
  /** Any of them; the others have their defaults. */
  readonly limits?: Partial<EndpointLimits>
  readonly auth?: EndpointAuth
}

/** Our own relay: NIP-01, 09, 11, 42, 45 and 77 over a store. */
export interface RelayEndpoint extends AsyncDisposable {
  /** `ws://HOST:PORT`, with the real port. */
  readonly url: string
  readonly info: RelayInfo
  readonly state: ListenerState
  readonly stats: EndpointStats
  /** Accepts nobody more, answers what is being stored, closes every subscription by CLOSED, then the links by 1001. */
  drain(o?: { readonly within?: Millis }): Promise<DrainReport>
  /** Ends every link at once. */
  close(why?: Partial<End>): void
}
