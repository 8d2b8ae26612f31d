import { loadConfig } from '@holdfast/core/service'
import { configSchema } from '../config/schema.js'
import type { ProxySettings } from '../config/settings.js'
import { toSettings } from '../config/to-settings.js'
import { variablePrefix } from './program-name.js'

/**
 * Reads the configuration: file, environment, flags.
 *
 * @throws a `ConfigError` that says what to mend
 */
export async function loadSettings(
  file: string | undefined,
  flags: Readonly<Record<string, unknown>> = {},
): Promise<ProxySettings> {
  const options = { schema: configSchema, prefix: variablePrefix, file, env: process.env, flags }
  return toSettings(await loadConfig(options))
}
