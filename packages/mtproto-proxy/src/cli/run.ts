import { addServiceOptions, type ServiceFlags } from '@holdfast/core/program'
import { runConfigured } from '@holdfast/core/service'
import { Command, InvalidArgumentError } from 'commander'
import { configSchema } from '../config/schema.js'
import { toSettings } from '../config/to-settings.js'
import { linkProblem, userLinks } from './links.js'
import { programName, variablePrefix } from './program-name.js'
import { describeLinks } from './show-links.js'
import { startNode } from './start-node.js'
import { startWorkers } from './workers/start-workers.js'

interface RunFlags extends ServiceFlags {
  readonly port?: string
  readonly secret?: string
  readonly tag?: string
  readonly role?: string
  readonly workers?: number
  readonly qr: boolean
}

/** `run`: the proxy, or a half of one. */
export function runCommand(): Command {
  return addServiceOptions(new Command(), variablePrefix)
    .option('-p, --port <port>', 'where clients connect, instead of the configured ports')
    .option('-s, --secret <hex>', 'the secret of that port, 32 hex digits')
    .option('-t, --tag <hex>', 'the tag of its promoted channel, 32 hex digits')
    .option('--role <role>', 'the whole, or a half of a split proxy: both, front or back')
    .option(
      '--workers <n>',
      'so many processes for clients, and one for Telegram; SIGUSR2 replaces them and refuses nobody',
      workersOf,
    )
    .option('--no-qr', 'print links without QR codes')
    .addHelpText('after', examples)
    .action(async (flags: RunFlags) => {
      const isQuiet = flags.json === true || flags.logLevel === 'silent'
      await runConfigured(flags, {
        name: programName,
        prefix: variablePrefix,
        schema: configSchema,
        fields: fieldsOf(flags),
        start: async (env, config, { signal, reread }) => {
          const settings = toSettings(config)
          const start = { env, settings, signal, reread: async () => toSettings(await reread()) }
          const { workers: fronts, logLevel, json, inspect } = flags
          const service =
            fronts === undefined
              ? await startNode(start)
              : await startWorkers({ ...start, fronts, flags: { logLevel, json, inspect: besides(inspect) } })
          const links = { host: await service.externalIp() }
          const problem = linkProblem(settings, links)
          if (problem !== null) env.log.warn({}, problem)
          if (!isQuiet) {
            process.stdout.write(`${describeLinks(userLinks(settings, links), { qr: flags.qr })}\n`)
          }
          return service
        },
      })
    })
}

const examples = `
Examples:
  $ ${programName} run --config proxy.toml
  $ ${programName} run --port 8443 --secret d0d6e111bada5511fcce9584deadbeef
  $ ${programName} run --config proxy.toml --workers 4
  $ kill -HUP PID    # reads the configuration again; nobody is dropped`

/** The flags that are fields of the configuration. */
function fieldsOf({ port, secret, tag, role, metrics }: RunFlags): Record<string, unknown> {
  const one = port === undefined ? undefined : [{ name: 'main', port: Number(port), secret, tag }]
  return { ports: one, node_role: role, metrics }
}

function workersOf(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number from 1 to 999; the number of cores is a good one.')
}

/** Where workers serve their inspectors: each on a port of its own, which it logs. */
function besides(inspect: string | undefined): string | null {
  return inspect?.replace(/\d+$/, '0') ?? null
}
