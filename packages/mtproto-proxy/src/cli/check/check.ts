import { type Clock, HoldfastError } from '@holdfast/core'
import { nodeEnv, tcp } from '@holdfast/core/node'
import { CommandError, exitCodes } from '@holdfast/core/program'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { ProxySettings } from '../../config/settings.js'
import { parseLink } from '../../wire/link.js'
import type { Secret } from '../../wire/secret.js'
import { userLinks } from '../links.js'
import { loadSettings } from '../load-settings.js'
import { programName, variablePrefix } from '../program-name.js'
import type { Target } from './attempt.js'
import { describeReport } from './describe.js'
import { examine, type ProtocolReport } from './examine.js'

type Protocol = Secret['kind']

interface CheckFlags {
  readonly config?: string
  readonly dc: readonly number[]
  readonly proto?: readonly Protocol[]
  readonly timeout: number
  readonly repeat: number
  readonly json?: boolean
}

/** The data centres that clients use: negative ones are those for media. */
const allDataCenters = [-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]

/** `check`: whether a running proxy serves clients. */
export function checkCommand(): Command {
  return new Command()
    .argument('[link]', 'tg://proxy?… or https://t.me/proxy?…')
    .addOption(
      new Option(
        '-c, --config <file>',
        'instead of a link: every link of this configuration, on this host',
      ).env(`${variablePrefix}_CONFIG`),
    )
    .option('--dc <ids>', 'data centres, such as 2,-2', dcIdsOf, allDataCenters)
    .option('--proto <list>', 'plain, secure, fake-tls (default: as the link has it)', protocolsOf)
    .option('--timeout <ms>', 'how long each attempt may take', numberOf, 5000)
    .option('--repeat <n>', 'how often each data centre is asked', numberOf, 1)
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(async (link: string | undefined, flags: CheckFlags) => {
      const targets = await targetsOf(link, flags)
      if (targets.length === 0) throw wrongly('there is nothing to check: no link, or all are disabled')
      const { clock } = nodeEnv({ name: programName })
      const reports = await check(clock, targets, flags)
      if (flags.json === true) process.stdout.write(`${JSON.stringify(reports)}\n`)
      process.exitCode = reports.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.failure
    })
}

const examples = `
Examples:
  $ ${programName} check 'tg://proxy?server=proxy.example.com&port=443&secret=ee…'
  $ ${programName} check -c proxy.toml --repeat 5
  $ ${programName} check --proto secure,fake-tls --dc 2,4 --json 'https://t.me/proxy?…'

Exits with 0 if every data centre answered by every protocol, else with 1.`

async function check(clock: Clock, targets: readonly Target[], flags: CheckFlags): Promise<ProtocolReport[]> {
  const { dc: dcIds, timeout: within, repeat, json = false } = flags
  const reports: ProtocolReport[] = []
  for (const target of targets) {
    const report = await examine({ clock, dialer: tcp(), target, dcIds, repeat, within })
    reports.push(report)
    if (!json) process.stdout.write(describeReport(report))
  }
  return reports
}

async function targetsOf(link: string | undefined, { config, proto }: CheckFlags): Promise<Target[]> {
  if (link !== undefined) {
    const { server, port, secret } = parseLink(link)
    const kinds = proto ?? [secret.kind]
    return kinds.map((kind) => ({ server, port, secret: asKind(secret, kind), plainFormat: 'intermediate' }))
  }
  if (config === undefined) throw wrongly('give a link, or a configuration by -c')
  const settings = await loadSettings(config)
  const isWanted = ({ mode }: { mode: Protocol }): boolean => proto?.includes(mode) ?? true
  return userLinks(settings)
    .filter(isWanted)
    .map((each) => {
      const { port, secret } = parseLink(each.tg)
      return { server: ownAddress(settings, each.listener), port, secret, plainFormat: plainFormat(settings) }
    })
}

/** Where the port listens: the address in links may lead elsewhere, and need not be reachable from here. */
function ownAddress({ listeners }: ProxySettings, name: string): string {
  const ip = listeners.find((listener) => listener.name === name)?.ip ?? ''
  if (ip === '0.0.0.0') return '127.0.0.1'
  return ip === '::' ? '::1' : ip
}

function plainFormat({ client }: ProxySettings): Target['plainFormat'] {
  return client.allowedProtocols.has('intermediate') ? 'intermediate' : 'abridged'
}

function asKind(secret: Secret, kind: Protocol): Secret {
  if (kind !== 'fake-tls') return { kind, key: secret.key }
  if (secret.kind === 'fake-tls') return secret
  throw new HoldfastError('HF_BAD_REQUEST', 'fake-tls needs a link whose secret has a domain (ee…)')
}

function dcIdsOf(text: string): number[] {
  const ids = text.split(',').map(Number)
  if (ids.every((id) => Number.isInteger(id) && id !== 0 && Math.abs(id) <= 32_767)) return ids
  throw new InvalidArgumentError('It must be numbers of data centres, such as 2,-2.')
}

function protocolsOf(text: string): Protocol[] {
  const known: readonly Protocol[] = ['plain', 'secure', 'fake-tls']
  const names = text.split(',').map((name) => known.find((each) => each === name))
  if (names.every((name) => name !== undefined)) return names
  throw new InvalidArgumentError(`It must be of ${known.join(', ')}.`)
}

function numberOf(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number above 0.')
}

function wrongly(called: string): CommandError {
  return new CommandError(called, { exitCode: exitCodes.usage })
}
