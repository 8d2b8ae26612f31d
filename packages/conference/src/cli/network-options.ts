import { addInspectOption, configOption, logLevelOption } from '@holdfast/core/program'
import type { Command } from 'commander'
import type { Level } from 'pino'
import { defaultProfile } from './profile-option.js'
import { variablePrefix } from './program-name.js'

/** The fields of the configuration as the command line has them. */
export interface NetworkFlags {
  readonly profile?: string
  readonly listen?: string
  readonly bootstrap?: readonly string[]
  readonly relay?: readonly string[]
  readonly neighbour?: readonly string[]
  readonly friend?: readonly string[]
  readonly lan?: boolean
}

/** What {@link addTerminalOptions} adds. */
export interface TerminalFlags extends NetworkFlags {
  readonly config?: string
  readonly logLevel: Level | 'silent'
}

/** Adds what says who we are, and how others are reached. */
export function addNetworkOptions(command: Command): Command {
  return command
    .option('-p, --profile <file>', `the Tox save file (default: ${defaultProfile})`)
    .option(
      '--listen <host:port>',
      'UDP address of our own; port 0 takes any free one (default: 0.0.0.0:0, with --lan of 33445 to 33455)',
    )
    .option('--bootstrap <host:port:key>', 'a node of the network; may be repeated', collect)
    .option('--relay <host:port:key>', 'a TCP relay; may be repeated', collect)
    .option('--lan', 'find friends on the local network and this host, and be found there')
    .option('--neighbour <host:port>', 'tell this address of us, as --lan does; may be repeated', collect)
    .option('--friend <id>', 'make this Tox ID or public key a friend; may be repeated', collect)
}

/** The same for commands that people sit at, with what services have of `addServiceOptions`. */
export function addTerminalOptions(command: Command): Command {
  return addInspectOption(addNetworkOptions(command), variablePrefix)
    .addOption(configOption(variablePrefix))
    .addOption(logLevelOption('warn', variablePrefix))
}

/** The flags that are fields of the configuration. */
export function fieldsOf({
  profile,
  listen,
  bootstrap,
  relay,
  neighbour,
  friend,
  lan,
}: NetworkFlags): Record<string, unknown> {
  return { profile, listen, bootstrap, relay, neighbour, friend, lan }
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}
