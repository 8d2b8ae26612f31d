import { HoldfastError } from '@holdfast/core'
import type { Token } from './commands.js'

/** What a peer can do wrong on a line. */
export type ProtocolErrorCode =
  | 'HF_REPLICATION_LINE_TOO_LONG'
  | 'HF_REPLICATION_INVALID_UTF8'
  | 'HF_REPLICATION_INVALID_COMMAND'
  | 'HF_REPLICATION_BAD_ARGUMENTS'

/**
 * The peer broke the protocol: send it `ERROR` with {@link ProtocolError.errorText}, then close.
 *
 * | code | when |
 * | --- | --- |
 * | `HF_REPLICATION_LINE_TOO_LONG` | a line, or an unfinished one, exceeds the limit |
 * | `HF_REPLICATION_INVALID_UTF8` | a line is not UTF-8 |
 * | `HF_REPLICATION_INVALID_COMMAND` | nobody, or not this side, may send the command |
 * | `HF_REPLICATION_BAD_ARGUMENTS` | the arguments of a permitted command do not parse |
 */
export class ProtocolError extends HoldfastError {
  override readonly name: string = 'ProtocolError'
  declare readonly code: ProtocolErrorCode
  /** What goes after `ERROR `: one short line without secrets. */
  readonly errorText: string
  /** The command whose arguments were bad; such a line still counts as a sign of life. */
  readonly command: string | null

  constructor(code: ProtocolErrorCode, errorText: string, command: string | null = null) {
    super(code, errorText)
    this.errorText = errorText
    this.command = command
  }
}

/** A line would exceed the limit and was not written. Code `HF_REPLICATION_OVERSIZE_LINE`. */
export class OversizeLineError extends HoldfastError {
  override readonly name: string = 'OversizeLineError'
  /** Length of the line in bytes, without its line feed. */
  readonly bytes: number
  /** The stream of a row that does not fit; `null` for other commands. */
  readonly stream: string | null
  /** The token of a row that does not fit; `null` for other commands. */
  readonly token: Token | null

  constructor(command: string, bytes: number, limit: number, row?: { stream: string; token: Token }) {
    const which = row ? `${command} ${row.stream} ${row.token}` : command
    super(
      'HF_REPLICATION_OVERSIZE_LINE',
      `${which} takes ${bytes} bytes, the limit is ${limit}: make it smaller`,
    )
    this.bytes = bytes
    this.stream = row?.stream ?? null
    this.token = row?.token ?? null
  }
}

/**
 * A command cannot be written as a line: a line feed, a space in a word, a number that is no safe integer, or a
 * command that the dialect does not have. Code `HF_REPLICATION_UNSENDABLE`.
 */
export class UnsendableError extends HoldfastError {
  override readonly name: string = 'UnsendableError'
  /** What is at fault: a member such as `stream`, `name` when the dialect lacks the command, or the whole command. */
  readonly field: string

  constructor(field: string, expected: string, options?: ErrorOptions) {
    super('HF_REPLICATION_UNSENDABLE', `${field} must be ${expected}`, options)
    this.field = field
  }
}
