import { HoldfastError } from '@holdfast/core'

/** The source has no stream of that name. Code `HF_REPLICATION_UNKNOWN_STREAM`. */
export class UnknownStreamError extends HoldfastError {
  override readonly name: string = 'UnknownStreamError'
  /** The name that was asked for. */
  readonly stream: string

  constructor(stream: string) {
    super('HF_REPLICATION_UNKNOWN_STREAM', `there is no stream ${JSON.stringify(stream.slice(0, 80))}`)
    this.stream = stream
  }
}

/** A token, or a batch, does not fit where the stream stands. Code `HF_REPLICATION_TOKEN_ORDER`. */
export class TokenOrderError extends HoldfastError {
  override readonly name: string = 'TokenOrderError'
  /** The stream concerned. */
  readonly stream: string
  /** The token that was refused. */
  readonly token: number

  constructor(stream: string, token: number, expected: string) {
    super('HF_REPLICATION_TOKEN_ORDER', `${stream}: token ${token} must be ${expected}`)
    this.stream = stream
    this.token = token
  }
}
