import type { Count, Distribution } from '@holdfast/core/service'

/** Labels of `protocol_ok_total`. */
export type ProtocolLabel = 'mtp_abridged' | 'mtp_intermediate' | 'mtp_secure' | 'mtp_secure_fake_tls'

/**
 * How a migration went (spec 9.5, 9.6): `ok` moved at once, `parked` moved after waiting for a connection, `resent` moved
 * together with the packet that had not left; the others closed the client.
 */
export type MigrationResult = 'ok' | 'parked' | 'resent' | 'empty' | 'not_found' | 'mid_send'

/** Which limit stopped reading from a data centre; `off`: reading again (spec 6.5). */
export type BackpressureState =
  | 'count_total'
  | 'bytes_total'
  | 'count_per_upstream'
  | 'bytes_per_upstream'
  | 'off'

/** What is counted of the clients of one listener. In metric names clients are «upstream» (spec 0). */
export interface ListenerMetrics {
  /** `in_connection_total`: connections accepted. */
  readonly accepted: Count
  /** `in_connection_closed_total`. */
  readonly closed: Count
  /** `inactive_timeout_total`: closed for being silent too long. */
  readonly timedOut: Count
  /** `inactive_hibernate_total`: silent long enough to give memory back. */
  readonly hibernated: Count
  /** `received_upstream_bytes`: bytes from clients. */
  readonly received: Count
  /** `sent_upstream_bytes`: bytes to clients. */
  readonly sent: Count
  /** `quick_acks_total`: quick acks handed to clients. */
  readonly quickAcks: Count
  /** `session_lifetime_seconds`. */
  readonly lifetime: Distribution
  /** `upstream_send_duration_seconds`: from a write to a client until the kernel has taken it. */
  readonly sendDuration: Distribution
  /** `migration_duration_seconds`: how long a client was without a connection to Telegram. */
  readonly migrationDuration: Distribution
  /** `timer_switch_total`. */
  timerSwitched(from: string, to: string): void
  /** `protocol_error_total`; the labels of the specification, 3.5. */
  protocolError(reason: string): void
  /** `protocol_ok_total`. */
  protocolOk(protocol: ProtocolLabel): void
  /** `upstream_send_error_total`. */
  sendFailed(reason: string): void
  /** `policy_refused_total`: which rule or limit refused somebody. */
  refused(why: string): void
  /** `downstream_migration_total`. */
  migrated(dcId: number, result: MigrationResult): void
}

/** What is counted of the connections to one data centre. In metric names they are «downstream» (spec 0). */
export interface DataCenterMetrics {
  /** `received_downstream_bytes`: bytes from Telegram. */
  readonly received: Count
  /** `sent_downstream_bytes`: bytes to Telegram. */
  readonly sent: Count
  /** `out_connect_ok_total`: connections that became ready. */
  readonly connected: Count
  /** `down_backpressure_passive_duration_seconds`: how long reading from Telegram paused. */
  readonly backpressureDuration: Distribution
  /** `downstream_send_duration_seconds`. */
  readonly sendDuration: Distribution
  /** `down_lifetime_seconds`: how long a ready connection lasted. */
  readonly linkLifetime: Distribution
  /** `out_connect_error_total`. */
  connectFailed(reason: string): void
  /** `down_backpressure_total`. */
  backpressure(state: BackpressureState): void
}

/** Sizes seen in both directions, in bytes. */
export interface BothDirections {
  readonly fromClient: Distribution
  readonly toClient: Distribution
}

/**
 * Where the data path reports to: plain calls that cost about as much as adding a number. Ask for a listener's or a data
 * centre's once, and keep it: the same name gives the same object.
 */
export interface ProxyMetrics {
  /** The counters of one listener; made at the first call for its name. */
  listener(name: string): ListenerMetrics
  /** The counters of one data centre; made at the first call for its id. */
  dataCenter(dcId: number): DataCenterMetrics
  /** `healthcheck_total{action}`: `message_queue_len` or `total_memory` (spec 6.6). */
  healthcheck(action: string): void
  /** `tracker_packet_size_bytes`: chunks as they come from and go to the client's socket. */
  readonly chunkSize: BothDirections
  /** `tg_packet_size_bytes`: MTProto packets. */
  readonly packetSize: BothDirections
}
