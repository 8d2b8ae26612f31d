import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Level } from 'pino'
import { configOption, logLevelOption } from './common-options.js'
import { addInspectOption } from './inspect-option.js'

/** What {@link addServiceOptions} parses. */
export interface ServiceFlags {
  /** The configuration file. */
  readonly config?: string
  readonly logLevel: Level | 'silent'
  /** JSON logs and reports; unset: as standard error is, a terminal or not. */
  readonly json?: boolean
  /** Where to serve metrics. */
  readonly metrics?: string
  /** Where to serve the inspector; {@link runProgram} does it. */
  readonly inspect?: string
  /** How long draining may take, in milliseconds. */
  readonly drainWithin: number
}

/**
 * Adds the options that every service has: `--config`, `--log-level`, `--json`, `--metrics`,
 * `--inspect` and `--drain-within`.
 * Those that take a value can be set by an environment variable too, such as `PREFIX_LOG_LEVEL`.
 */
export function addServiceOptions<C extends Command>(command: C, prefix: string): C {
  command
    .addOption(configOption(prefix))
    .addOption(logLevelOption('info', prefix))
    .option('--json', 'log and report in JSON')
    .addOption(
      new Option('--metrics <host:port>', 'serve Prometheus metrics; a port alone is on loopback').env(
        `${prefix}_METRICS`,
      ),
    )
  addInspectOption(command, prefix).addOption(
    new Option('--drain-within <seconds>', 'how long work in flight may finish after SIGTERM')
      .argParser(seconds)
      .default(10_000, '10')
      .env(`${prefix}_DRAIN_WITHIN`),
  )
  return command
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number of seconds above 0.')
  return value * 1000
}
