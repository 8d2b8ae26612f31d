import { CommandError, configOption } from '@holdfast/core/program'
import { Command } from 'commander'
import type { ProxySettings } from '../config/settings.js'
import { cachedCopy, foundIp } from '../telegram/cached-copy.js'
import { type LinkDefaults, linkProblem, userLinks } from './links.js'
import { loadSettings } from './load-settings.js'
import { programName, variablePrefix } from './program-name.js'
import { describeLinks } from './show-links.js'

interface LinkFlags {
  readonly config?: string
  readonly host?: string
  readonly qr?: boolean
  readonly json?: boolean
}

/** `link`: what users are given. */
export function linkCommand(): Command {
  return new Command()
    .argument('[secret]', 'only those of this name')
    .addOption(configOption(variablePrefix))
    .option(
      '--host <host>',
      'name or address of this proxy (default: public_host, external_ip, the address a running proxy found, or listen_ip)',
    )
    .option('--qr', 'with QR codes')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} link -c proxy.toml --qr\n  $ ${programName} link main -c proxy.toml --host proxy.example.com`,
    )
    .action(async (name: string | undefined, { config, host, qr = false, json }: LinkFlags) => {
      const settings = await loadSettings(config)
      const named = host === undefined ? settings : { ...settings, publicHost: host }
      const looked = await lookedUpIp(settings)
      const links = userLinks(named, looked).filter((link) => name === undefined || link.name === name)
      if (links.length === 0) {
        const names = settings.secrets.map((secret) => secret.name).join(', ')
        throw new CommandError(`there is no enabled secret ${name ?? 'at all'}; there are: ${names}`)
      }
      const problem = linkProblem(named, looked)
      if (problem !== null) process.stderr.write(`${programName}: ${problem}; or give --host\n`)
      process.stdout.write(json === true ? `${JSON.stringify(links)}\n` : `${describeLinks(links, { qr })}\n`)
    })
}

/** What a proxy that has run with this configuration has found; nothing where it keeps no cache. */
async function lookedUpIp({ cacheDir, telegram }: ProxySettings): Promise<LinkDefaults> {
  const copy = cacheDir === null ? null : await cachedCopy(cacheDir).load()
  const host = copy && foundIp(copy, telegram)
  return host === null ? {} : { host }
}
