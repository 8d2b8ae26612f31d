import tab from '@bomb.sh/tab/commander'
import { Command } from 'commander'
import { toldFailure } from './command-error.js'
import { exitCodes } from './exit-codes.js'
import { inspectIfAsked } from './inspection.js'

/** A program of several commands. */
export interface ProgramOptions {
  /** As its users call it. */
  readonly name: string
  /** What it is, in a sentence. */
  readonly description: string
  readonly version: string
  readonly commands: readonly Command[]
  /** Commands that are for the program's own processes, and that no help shows. */
  readonly hidden?: readonly Command[]
}

/**
 * Runs the command that the process was called with. A wrong command line is told on standard error, after the program's
 * name, and exits with {@link exitCodes}`.usage`. With `--inspect` the inspector starts before the command. A `HoldfastError` of a
 * command, or an error of a file or socket, is told likewise and exits with 1, or with 2 if the configuration is wrong; all else
 * that is thrown is a fault of the program, and goes on as such. That whoever read our output has left is no error. A further
 * command, `completion`, prints the script by which shells complete the program's commands and options.
 */
export async function runProgram(options: ProgramOptions): Promise<void> {
  const { name, description, version, commands, hidden = [] } = options
  const program = new Command(name)
    .description(description)
    .version(version)
    .showHelpAfterError('(add --help for what there is)')
    .configureOutput({ outputError: (text, write) => write(`${name}: ${text}`) })
    .hook('preAction', async (_, command) => {
      await inspectIfAsked(name, command)
    })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage))
  for (const command of commands) {
    for (const each of [command, ...command.commands]) each.copyInheritedSettings(program)
    program.addCommand(command)
  }
  for (const command of hidden) program.addCommand(command, { hidden: true })
  tab(program, { completionCommandName: 'completion' })

  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  try {
    await program.parseAsync()
  } catch (thrown) {
    const failure = toldFailure(thrown)
    if (failure === null) throw thrown
    process.stderr.write(`${name}: ${failure.text}\n`)
    process.exit(failure.exitCode)
  }
}
