import { Option } from 'commander'
import type { Level } from 'pino'

/**
 * The option `--config`, for commands that read the configuration of a service, and the variable `PREFIX_CONFIG`;
 * `addServiceOptions` adds it to services.
 *
 * @example
 * ```ts
 * import { configOption, logLevelOption } from '@holdfast/core/program'
 * import { Command } from 'commander'
 *
 * const command = new Command().addOption(configOption('PUMP')).addOption(logLevelOption('warn'))
 * command.parse(['-c', 'pump.toml'], { from: 'user' })
 * command.opts() // => { config: 'pump.toml', logLevel: 'warn' }
 * ```
 */
export function configOption(prefix: string): Option {
  return new Option('-c, --config <file>', 'configuration, JSON or TOML').env(`${prefix}_CONFIG`)
}

const levels: readonly (Level | 'silent')[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/**
 * The option `--log-level`, and with a prefix the variable `PREFIX_LOG_LEVEL`; `addServiceOptions` adds it to services.
 *
 * @param otherwise - the level without the option: services have `info`, commands that people sit at rather less
 */
export function logLevelOption(otherwise: Level | 'silent', prefix?: string): Option {
  const option = new Option('--log-level <level>', 'least severe lines to log').choices(levels)
  option.default(otherwise)
  return prefix === undefined ? option : option.env(`${prefix}_LOG_LEVEL`)
}
