import type { Env } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import {
  createLog,
  loadConfig,
  type RunningService,
  runService,
  type ServiceFlags,
} from '@holdfast/core/service'
import type { z } from 'zod'
import { programName, variablePrefix } from './program-name.js'

/** A service of this program: how it is configured, and how it starts. */
export interface ConfiguredService<T> {
  readonly schema: z.ZodType<T>
  /** What the command line says of the configuration's fields. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly start: (env: Env, config: T, signal: AbortSignal) => Promise<RunningService>
}

/** Runs a service by its configuration – file, environment, flags – until it is told to stop. */
export async function runConfigured<T>(flags: ServiceFlags, service: ConfiguredService<T>): Promise<void> {
  const { config: file, logLevel, json, drainWithin } = flags
  const log = createLog({ name: programName, level: logLevel, json })
  await runService({
    name: programName,
    log,
    drainWithin,
    ...(json !== undefined && { json }),
    start: async (signal) => {
      const { schema, fields, start } = service
      const config = await loadConfig({
        schema,
        prefix: variablePrefix,
        file,
        env: process.env,
        flags: fields,
      })
      return start(nodeEnv({ name: programName, log }), config, signal)
    },
  })
}
