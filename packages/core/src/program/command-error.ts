import { HoldfastError } from '../errors.js'
import { exitCodes } from './exit-codes.js'

/** Options of {@link CommandError}. */
export interface CommandErrorOptions extends ErrorOptions {
  /** @defaultValue {@link exitCodes}`.failure` */
  readonly exitCode?: number
}

/** A command cannot do what it was asked for; the message says what to do. Code `HF_COMMAND_FAILED`. */
export class CommandError extends HoldfastError {
  override readonly name: string = 'CommandError'
  /** How the program exits. */
  readonly exitCode: number

  constructor(message: string, { exitCode = exitCodes.failure, ...options }: CommandErrorOptions = {}) {
    super('HF_COMMAND_FAILED', message, options)
    this.exitCode = exitCode
  }
}

/** What a program says of something that was thrown, and how it exits. */
export interface ToldFailure {
  readonly text: string
  readonly exitCode: number
}

/** Says what was thrown to people; `null` for what is not meant for them, but a fault of the program. */
export function toldFailure(thrown: unknown): ToldFailure | null {
  if (!(thrown instanceof Error)) return null
  // Of files and sockets: these messages name the path or the address.
  if (!(thrown instanceof HoldfastError) && !('syscall' in thrown)) return null
  const reason = innermost(thrown)
  const isNews = !thrown.message.includes(reason)
  return { text: isNews ? `${thrown.message} (${reason})` : thrown.message, exitCode: exitCodeOf(thrown) }
}

/** What a program was told is wrong, whether it showed when that was read or when it was used. */
const wrongUsage: ReadonlySet<string> = new Set(['HF_BAD_CONFIG', 'HF_BAD_OPTION'])

/** How a program exits after this was thrown. */
export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommandError) return thrown.exitCode
  return thrown instanceof HoldfastError && wrongUsage.has(thrown.code) ? exitCodes.usage : exitCodes.failure
}

function innermost({ cause, message }: Error): string {
  return cause instanceof Error ? innermost(cause) : message
}
