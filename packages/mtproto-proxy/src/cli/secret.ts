import { randomBytes } from 'node:crypto'
import { Command } from 'commander'
import { formatSecret, keyBytes, type Secret } from '../wire/secret.js'
import { domainArgument } from './domain-argument.js'
import { programName } from './program-name.js'

/** `secret generate`: a new secret in its three forms. */
export function secretCommand(): Command {
  const generate = new Command('generate')
    .description('make a secret, and print what goes into the configuration and what clients are given')
    .option('-d, --domain <name>', 'the site that fake-TLS clients seem to visit', domainArgument)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} secret generate\n  $ ${programName} secret generate --domain www.example.com --json`,
    )
    .action(({ domain, json }: { domain?: string; json?: boolean }) => {
      const made = formsOf(randomBytes(keyBytes), domain)
      process.stdout.write(json === true ? `${JSON.stringify(made)}\n` : describe(made))
    })
  return new Command().addCommand(generate)
}

interface Forms {
  /** For the configuration. */
  readonly key: string
  readonly plain: string
  readonly secure: string
  readonly fakeTls?: string
}

function formsOf(key: Uint8Array, domain: string | undefined): Forms {
  const form = (secret: Secret): string => formatSecret(secret)
  const plain = form({ kind: 'plain', key })
  return {
    key: plain,
    plain,
    secure: form({ kind: 'secure', key }),
    ...(domain !== undefined && { fakeTls: form({ kind: 'fake-tls', key, domain }) }),
  }
}

function describe({ key, plain, secure, fakeTls }: Forms): string {
  const lines = [
    `secret = "${key}"`,
    '',
    'In the settings of clients:',
    `  plain          ${plain}`,
    `  secure (dd)    ${secure}`,
    `  fake-TLS (ee)  ${fakeTls ?? 'name a site with --domain'}`,
  ]
  return `${lines.join('\n')}\n`
}
