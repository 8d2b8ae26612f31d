import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { HoldfastError, systemClock } from '@holdfast/core'
import { Command, InvalidArgumentError, Option } from 'commander'
import { proxySettings } from '../config/to-settings.js'
import { getExternalIp } from '../telegram/documents.js'
import { domainArgument } from './domain-argument.js'
import { newConfig } from './new-config.js'
import { programName } from './program-name.js'

interface InitFlags {
  readonly role: 'both' | 'front' | 'back'
  readonly port: number
  readonly domain: string
  readonly ip?: string
  readonly force?: boolean
}

/** `init`: a configuration to begin with. */
export function initCommand(): Command {
  return new Command()
    .argument('[file]', 'where to', 'proxy.toml')
    .addOption(
      new Option('--role <role>', 'the whole, or a half of a split proxy')
        .choices(['both', 'front', 'back'])
        .default('both'),
    )
    .option('-p, --port <port>', 'where clients connect', portOf, 443)
    .option('-d, --domain <name>', 'the site that clients seem to visit', domainArgument, 'www.example.com')
    .option(
      '--ip <address>',
      'address of this host on the Internet; "none" leaves it open (default: ask for it)',
      addressArgument,
    )
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} init --domain www.example.com\n  $ ${programName} init back.toml --role back`,
    )
    .action(async (file: string, { role, port, domain, ip, force = false }: InitFlags) => {
      const externalIp = await addressOf(ip)
      const secret = randomBytes(16).toString('hex')
      await save(file, newConfig({ role, port, secret, domain, externalIp }), force)
      process.stdout.write(nextSteps(file, { role, isAddressKnown: externalIp !== null }))
    })
}

async function addressOf(ip: string | undefined): Promise<string | null> {
  if (ip !== undefined) return ip === 'none' ? null : ip
  const { ipServices, httpWithin } = proxySettings({
    ports: [{ name: 'x', port: 1, secret: '0'.repeat(32) }],
  }).telegram
  try {
    return await getExternalIp(ipServices, {
      clock: systemClock(),
      within: httpWithin,
      userAgent: programName,
    })
  } catch (cause) {
    process.stderr.write(`${programName}: ${cause instanceof Error ? cause.message : String(cause)}\n`)
    return null
  }
}

async function save(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: force ? 'w' : 'wx' })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') {
      throw new HoldfastError('HF_MTPROTO_FILE_EXISTS', `${file} is there already; --force replaces it`)
    }
    throw new HoldfastError('HF_MTPROTO_UNWRITABLE', `cannot write ${file}: ${String(cause)}`, { cause })
  }
}

function nextSteps(file: string, o: { role: InitFlags['role']; isAddressKnown: boolean }): string {
  const steps = [`wrote ${file}, readable by you alone`, 'Look at the lines marked EDIT, then:']
  if (o.role !== 'both') steps.push(`  ${programName} certs init ./certs      # once, anywhere`)
  if (o.role !== 'back') steps.push(`  ${programName} link -c ${file} --qr    # what users are given`)
  if (!o.isAddressKnown) steps.push('The address of this host could not be found: set it by hand.')
  return `${steps.join('\n')}\n`
}

function addressArgument(text: string): string {
  if (text !== 'none' && isIP(text) === 0)
    throw new InvalidArgumentError('It must be an IP address, or "none".')
  return text
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('It must be a port, 1 to 65535.')
  return port
}
