import tab from '@bomb.sh/tab/commander'
import { Command } from 'commander'
import { toldFailure } from './command-error.js'
import { exitCodes } from './exit-codes.js'

/** A command of a program. */
export interface ProgramCommand {
  /** What it does, in a sentence. */
  readonly about: string
  /**
   * Loads and makes it, with options, arguments, examples and action; name and description are given to it. Called only when the
   * command line names it, so that a program starts with what the command needs, and no more: `import()` its module.
   */
  readonly load: () => Command | Promise<Command>
  /**
   * It is for the program's own processes, and no help shows it.
   *
   * @defaultValue false
   */
  readonly hidden?: boolean
}

/** A program of several commands. */
export interface ProgramOptions {
  /** As its users call it. */
  readonly name: string
  /** What it is, in a sentence. */
  readonly description: string
  readonly version: string
  /** By their names. */
  readonly commands: Readonly<Record<string, ProgramCommand>>
}

/**
 * Runs the command that the process was called with. A wrong command line is told on standard error, after the program's
 * name, and exits with {@link exitCodes}`.usage`. With `--inspect` the inspector starts before the command. A `HoldfastError` of a
 * command, or an error of a file or socket, is told likewise and exits with 1, or with 2 if the configuration is wrong; all else
 * that is thrown is a fault of the program, and goes on as such. That whoever read our output has left is no error. A further
 * command, `completion`, prints the script by which shells complete the program's commands and options.
 */
export async function runProgram({ name, description, version, commands }: ProgramOptions): Promise<void> {
  const program = new Command(name)
    .description(description)
    .version(version)
    .showHelpAfterError('(add --help for what there is)')
    .configureOutput({ outputError: (text, write) => write(`${name}: ${text}`) })
    .hook('preAction', async (_, command) => {
      if (command.getOptionValue('inspect') === undefined) return
      const { inspectIfAsked } = await import('../service/inspection.js')
      await inspectIfAsked(name, command)
    })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage))
  for (const [called, { about, load, hidden = false }] of Object.entries(commands)) {
    // What is only listed in a help needs no more than its name; `help` and `complete` name theirs as an argument.
    const command = process.argv.includes(called) ? await load() : new Command()
    command.name(called).description(about)
    for (const each of [command, ...command.commands]) each.copyInheritedSettings(program)
    program.addCommand(command, { hidden })
  }
  tab(program, { completionCommandName: 'completion' })

  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return
    process.stderr.write(`${name}: cannot write to standard output (${error.message})\n`)
    process.exit(exitCodes.failure)
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
