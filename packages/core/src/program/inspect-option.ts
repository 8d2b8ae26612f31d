import { type Command, Option } from 'commander'

/**
 * Adds `--inspect`, for commands that run for a while, and with a prefix the variable `PREFIX_INSPECT`;
 * {@link addServiceOptions} does it for services. {@link runProgram}
 * starts the inspector before the command, so that it sees everything.
 */
export function addInspectOption<C extends Command>(command: C, prefix?: string): C {
  const option = new Option(
    '--inspect <host:port>',
    'serve a page that shows what is going on; a port alone is on loopback',
  )
  return command.addOption(prefix === undefined ? option : option.env(`${prefix}_INSPECT`))
}
