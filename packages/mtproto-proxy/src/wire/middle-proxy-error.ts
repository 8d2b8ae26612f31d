import { HoldfastError } from '@holdfast/core'

/** What was wrong with a frame. */
export type FrameProblem = 'length' | 'sequence' | 'checksum'

/**
 * A middle proxy sent a frame that is not one: the connection is lost. Code `HF_MTPROTO_BAD_FRAME`.
 */
export class FrameError extends HoldfastError {
  override readonly name: string = 'FrameError'
  /** What was wrong with it. */
  readonly problem: FrameProblem

  constructor(problem: FrameProblem, message: string) {
    super('HF_MTPROTO_BAD_FRAME', message)
    this.problem = problem
  }
}

/** A frame of a known kind does not have the length of its kind. Code `HF_MTPROTO_BAD_RPC`. */
export class RpcError extends HoldfastError {
  override readonly name: string = 'RpcError'

  constructor(what: string, bytes: number) {
    super('HF_MTPROTO_BAD_RPC', `${what} of ${bytes} bytes: too short, or not as long as it says`)
  }
}

/** A packet cannot be sent to Telegram. Code `HF_MTPROTO_UNSENDABLE`. */
export class UnsendablePacketError extends HoldfastError {
  override readonly name: string = 'UnsendablePacketError'

  constructor(message: string) {
    super('HF_MTPROTO_UNSENDABLE', message)
  }
}

/**
 * Why the handshake with a middle proxy failed.
 *
 * - `not-a-middle-proxy`: what came is no nonce in a frame.
 * - `nonce-rejected`: it closed the connection on our nonce.
 * - `schema`: it wants another encryption than AES.
 * - `secret`: it uses another proxy secret than we have.
 * - `clock`: its clock and ours are too far apart.
 * - `keys`: after the nonces both sides derived different keys, most often because Telegram sees another address or
 *   port of ours than we used.
 * - `pid`: it answered somebody else.
 * - `refused`: it said RPC_HANDSHAKE_ERROR.
 */
export type HandshakeProblem =
  | 'not-a-middle-proxy'
  | 'nonce-rejected'
  | 'schema'
  | 'secret'
  | 'clock'
  | 'keys'
  | 'pid'
  | 'refused'

/** The handshake with a middle proxy failed; the message says what to do. Code `HF_MTPROTO_HANDSHAKE_FAILED`. */
export class MiddleHandshakeError extends HoldfastError {
  override readonly name: string = 'MiddleHandshakeError'
  /** What went wrong. */
  readonly problem: HandshakeProblem

  constructor(problem: HandshakeProblem, message: string, options?: ErrorOptions) {
    super('HF_MTPROTO_HANDSHAKE_FAILED', message, options)
    this.problem = problem
  }
}
