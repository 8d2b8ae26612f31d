import type { Env, Millis } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { addInspectOption, logLevelOption, type ServiceFlags } from '@holdfast/core/program'
import {
  createLog,
  OpenedThings,
  type RunningService,
  runService,
  watchedRegistry,
} from '@holdfast/core/service'
import { Command, InvalidArgumentError, Option } from 'commander'
import { createLogUpdate } from 'log-update'
import type { ProxySettings } from '../config/settings.js'
import { proxySettings } from '../config/to-settings.js'
import { registerFigures } from '../metrics/figures.js'
import { prometheusMetrics } from '../metrics/prometheus-metrics.js'
import { type ProxyNode, proxyNode } from '../node/proxy-node.js'
import { type FakeTelegram, fakeTelegram } from '../testing/fake-telegram.js'
import { domainArgument } from './domain-argument.js'
import { userLinks } from './links.js'
import { figuresOf } from './node-report.js'
import { programName, variablePrefix } from './program-name.js'
import { describeLinks } from './show-links.js'
import { version } from './version.js'

interface SimulateFlags {
  readonly port: number
  readonly listen: string
  readonly secret: string
  readonly domain: string
  readonly answers: 'echo' | 'mtproto' | 'res-pq'
  readonly rotate?: number
  readonly by: 'fin' | 'rst'
  readonly qr: boolean
  readonly logLevel: ServiceFlags['logLevel']
}

/** The secret unless another one is given: a simulation guards nothing. */
const sampleSecret = '000102030405060708090a0b0c0d0e0f'

/** `simulate`: a proxy and a Telegram of one's own. */
export function simulateCommand(): Command {
  return addInspectOption(new Command(), variablePrefix)
    .option('-p, --port <port>', 'where clients connect; 0 takes a free one', portOf, 1443)
    .option('--listen <ip>', 'the address to listen on', '127.0.0.1')
    .option('-s, --secret <hex>', 'the secret, 32 hex digits', sampleSecret)
    .option(
      '-d, --domain <name>',
      'the site that fake-TLS clients seem to visit',
      domainArgument,
      'www.example.com',
    )
    .addOption(
      new Option('--answers <mode>', 'what Telegram answers: the same, a whole key exchange, or resPQ only')
        .choices(['echo', 'mtproto', 'res-pq'])
        .default('mtproto'),
    )
    .option(
      '--rotate <seconds>',
      'let Telegram close all its connections so often, one after another',
      secondsOf,
    )
    .addOption(new Option('--by <how>', 'how it closes them').choices(['fin', 'rst']).default('fin'))
    .option('--no-qr', 'print links without a QR code')
    .addOption(logLevelOption('silent'))
    .addHelpText('after', examples)
    .action(async (flags: SimulateFlags) => {
      const log = createLog({ name: programName, level: flags.logLevel })
      await runService({
        name: programName,
        log,
        start: (signal) => start(nodeEnv({ name: programName, log }), flags, signal),
      })
    })
}

const examples = `
Examples:
  $ ${programName} simulate --rotate 30
  $ ${programName} simulate --port 8443 --answers echo --rotate 5 --by rst
  $ ${programName} check 'tg://proxy?…'     # with a link that simulate prints

With --answers mtproto it prints the RSA key that clients need for a whole key exchange.`

async function start(env: Env, flags: SimulateFlags, signal: AbortSignal): Promise<RunningService> {
  const opened = new OpenedThings()
  try {
    const telegram = opened.add(await fakeTelegram({ answers: flags.answers }))
    const settings = proxySettings(configOf(flags, telegram))
    const registry = watchedRegistry(undefined)
    const metrics = registry && prometheusMetrics(registry)
    const node = opened.add(await proxyNode({ env, settings, signal, ...(metrics && { metrics }) }))
    if (registry !== null) registerFigures(registry, { read: () => figuresOf(node), version })
    await node.start()
    process.stdout.write(introduction(flags, withBoundPort(settings, node), telegram))
    const stop = [rotating(env, telegram, flags), watching(env, telegram, node)]
    return {
      drain: (o) => {
        for (const each of stop) each()
        return node.drain(o)
      },
      [Symbol.asyncDispose]: () => opened.close(),
    }
  } catch (failure) {
    await opened.close()
    throw failure
  }
}

function configOf({ listen, port, secret, domain }: SimulateFlags, { site }: FakeTelegram): object {
  const { urls } = site
  return {
    listen_ip: listen,
    ports: [{ name: 'main', port, secret, domain }],
    admin: false,
    external_ip: '127.0.0.1',
    proxy_secret_url: urls.secret,
    proxy_config_url: urls.config,
  }
}

function withBoundPort(settings: ProxySettings, { state }: ProxyNode): ProxySettings {
  const [bound] = state.listeners
  const port = Number(bound?.endpoint.uri.split(':').at(-1))
  return { ...settings, listeners: settings.listeners.map((listener) => ({ ...listener, port })) }
}

function introduction(
  { answers, qr }: SimulateFlags,
  settings: ProxySettings,
  telegram: FakeTelegram,
): string {
  const { ip } = settings.listeners[0] ?? { ip: '' }
  const links = userLinks({ ...settings, publicHost: ip === '0.0.0.0' ? '127.0.0.1' : ip })
  const { pem, fingerprint } = telegram.publicKey
  const key =
    answers === 'mtproto'
      ? `\nTelegram's public key here, fingerprint ${fingerprint.toString(16)}:\n${pem}\n`
      : ''
  return `${describeLinks(links, { qr })}\n${key}`
}

/** Lets Telegram close its connections again and again. Returns what stops it. */
function rotating({ clock }: Env, telegram: FakeTelegram, { rotate, by }: SimulateFlags): () => void {
  if (rotate === undefined) return () => undefined
  let isOver = false
  const again = (): void => {
    timer = clock.after(rotate, () => {
      void telegram.rotate({ by }).then(() => isOver || again())
    })
  }
  let timer = clock.after(0, again)
  return () => {
    isOver = true
    timer.cancel()
  }
}

const statusEvery: Millis = 500

/** A live status on a terminal. Returns what stops it. */
function watching({ clock }: Env, telegram: FakeTelegram, node: ProxyNode): () => void {
  if (!process.stdout.isTTY) return () => undefined
  const update = createLogUpdate(process.stdout)
  const timer = clock.sweep(statusEvery, () => update(statusLine(telegram, node)))
  return () => {
    timer.cancel()
    update.done()
  }
}

function statusLine({ stats, connections }: FakeTelegram, { state }: ProxyNode): string {
  const clients = state.listeners.reduce((sum, { links }) => sum + links, 0)
  const closed = stats.connections - connections.length
  return `${clients} clients, ${connections.length} connections to Telegram, ${closed} closed so far, ${stats.requests} requests, ${stats.answered} answered`
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('It must be a port, 0 to 65535.')
  return port
}

function secondsOf(text: string): Millis {
  const seconds = Number(text)
  if (!(seconds > 0)) throw new InvalidArgumentError('It must be a number of seconds above 0.')
  return seconds * 1000
}
