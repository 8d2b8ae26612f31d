import { type Command, Option } from 'commander'
import { HoldfastError, OptionError } from '../index.js'
import { type Inspector, serveInspector } from '../inspector/index.js'
import { exitCodes } from './exit-codes.js'
import { createLog } from './logging.js'
import { collectMetrics, metricsOfProcess } from './metrics.js'

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
    // A service with metrics of its own collects again, and its own are served then.
    collectMetrics()
    const inspector = await serveInspector({ at, program, metrics: metricsOfProcess })
    log.info({ url: inspector.url }, 'inspector')
    return inspector
  } catch (failure) {
    if (!(failure instanceof HoldfastError)) throw failure
    log.error({ code: failure.code }, failure.message)
    process.exit(failure instanceof OptionError ? exitCodes.usage : exitCodes.failure)
  }
}
