import type { z } from 'zod'
import type { Env } from '../index.js'
import { nodeEnv } from '../node/index.js'
import type { ServiceFlags } from '../program/service-options.js'
import { loadConfig } from './config.js'
import { createLog } from './logging.js'
import { type RunningService, runService, type ServiceHost } from './run-service.js'

/** A service of a program: how it is configured, and how it starts. */
export interface ConfiguredService<T> {
  /** The program's name, for logs. */
  readonly name: string
  /** What its environment variables begin with. */
  readonly prefix: string
  readonly schema: z.ZodType<T>
  /** What the command line says of the configuration's fields. */
  readonly fields: Readonly<Record<string, unknown>>
  /**
   * A program whose standard output is spoken for passes one of its own.
   *
   * @defaultValue the process
   */
  readonly host?: ServiceHost
  /**
   * Starts it. `signal` is aborted when it is told to stop meanwhile; `reread` reads the configuration again, for a
   * service that can be reloaded.
   */
  readonly start: (
    env: Env,
    config: T,
    o: { readonly signal: AbortSignal; readonly reread: () => Promise<T> },
  ) => Promise<RunningService>
}

/**
 * Runs a service by its configuration – file, environment, flags – until it is told to stop, as {@link runService} does
 * and with the flags of `addServiceOptions`.
 */
export async function runConfigured<T>(flags: ServiceFlags, service: ConfiguredService<T>): Promise<void> {
  const { config: file, logLevel, json, drainWithin } = flags
  const { name, prefix, schema, fields, host, start } = service
  const log = createLog({ name, level: logLevel, json })
  const reread = (): Promise<T> => loadConfig({ schema, prefix, file, env: process.env, flags: fields })
  await runService({
    name,
    log,
    drainWithin,
    ...(json !== undefined && { json }),
    ...(host && { host }),
    start: async (signal) => start(nodeEnv({ name, log }), await reread(), { signal, reread }),
  })
}
