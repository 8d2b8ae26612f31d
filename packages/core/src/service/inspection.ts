import type { Command } from 'commander'
import { HoldfastError, OptionError } from '../index.js'
import { type Inspector, serveInspector } from '../inspector/index.js'
import { exitCodes } from '../program/exit-codes.js'
import { createLog } from './logging.js'
import { programRegistry } from './watched-metrics.js'

/** Starts the inspector of a program if the command was given `--inspect`. It lives as long as the process. */
export async function inspectIfAsked(program: string, command: Command): Promise<Inspector | null> {
  const { inspect: at, json, logLevel } = command.opts<Readonly<Record<string, unknown>>>()
  if (typeof at !== 'string') return null
  const log = createLog({
    name: program,
    level: logLevel === 'silent' ? 'silent' : 'info',
    ...(typeof json === 'boolean' && { json }),
  })
  try {
    // Its commands add their own, as they do with --metrics.
    const inspector = await serveInspector({ at, program, metrics: programRegistry() })
    log.info({ url: inspector.url }, 'inspector')
    return inspector
  } catch (failure) {
    if (!(failure instanceof HoldfastError)) throw failure
    log.error({ code: failure.code }, failure.message)
    process.exit(failure instanceof OptionError ? exitCodes.usage : exitCodes.failure)
  }
}
