import { HoldfastError } from '@holdfast/core'

/**
 * What is wrong with a client's bytes after it was let in: label `reason` of the metric `protocol_error` (spec 3.5).
 *
 * - `abridged_max_size`, `intermediate_max_size`: a packet is longer than {@link maxPacketBytes}.
 * - `abridged_bad_length`, `intermediate_bad_length`: no packet, no multiple of 4, or a short length in the long form.
 * - `tls_max_size`: a record is longer than TLS allows.
 * - `tls_bad_record`: a record is neither application data nor ChangeCipherSpec.
 */
export type ClientBytesReason =
  | 'abridged_max_size'
  | 'abridged_bad_length'
  | 'intermediate_max_size'
  | 'intermediate_bad_length'
  | 'tls_max_size'
  | 'tls_bad_record'

/** The peer broke the transport: close it, nothing that follows can be understood. Code `HF_MTPROTO_CLIENT_BYTES`. */
export class ClientBytesError extends HoldfastError {
  override readonly name: string = 'ClientBytesError'
  /** Label for metrics. */
  readonly reason: ClientBytesReason

  constructor(reason: ClientBytesReason, what: string) {
    super('HF_MTPROTO_CLIENT_BYTES', `${reason}: ${what}: close the connection`)
    this.reason = reason
  }
}
