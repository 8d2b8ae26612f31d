import { type Command, Option } from 'commander'
import { HoldfastError, OptionError } from '../index.js'
import { type Inspector, serveInspector } from '../inspector/index.js'
import { exitCodes } from './exit-codes.js'
import { createLog } from './logging.js'
import { collectMetrics } from './metrics.js'

/**
 * Adds `--inspect`, for commands that run for a while; {@link addServiceOptions} does it for services. {@link runProgram}
 * starts the inspector before the command, so that it sees everything.
 */
export function addInspectOption<C extends Command>(command: C, prefix: string): C {
  return command.addOption(
    new Option(
      '--inspect <host:port>',
      'serve a page that shows what is going on; a port alone is on loopback',
    ).env(`${prefix}_INSPECT`),
  )
}

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
    const inspector = await serveInspector({ at, program, metrics: collectMetrics().registry })
    log.info({ url: inspector.url }, 'inspector')
    return inspector
  } catch (failure) {
    if (!(failure instanceof HoldfastError)) throw failure
    log.error({ code: failure.code }, failure.message)
    process.exit(failure instanceof OptionError ? exitCodes.usage : exitCodes.failure)
  }
}
