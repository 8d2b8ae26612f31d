import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { HoldfastError, systemClock } from '@holdfast/core'
import { Command, InvalidArgumentError } from 'commander'
import { backCertificateName } from '../split/split-endpoint.js'
import type { Identity } from './certificates.js'
import { programName } from './program-name.js'

/** `certs`: the certificates of the link between the halves of a split proxy (spec 10). */
export function certsCommand(): Command {
  return new Command().addCommand(initCommand()).addCommand(addNodeCommand())
}

function initCommand(): Command {
  return new Command('init')
    .description("make an authority and the back's certificate; nothing that is there is replaced")
    .argument('<dir>', 'folder for them; made if it is not there')
    .addHelpText('after', `\nExamples:\n  $ ${programName} certs init ./certs`)
    .action(async (dir: string) => {
      const { newAuthority, newNode } = await import('./certificates.js')
      const at = systemClock().wall()
      await mkdir(dir, { recursive: true, mode: 0o700 })
      await mustBeMissing(dir, ['ca', 'back'])
      const authority = await newAuthority(at)
      const back = await newNode({ authority, name: backCertificateName, role: 'back', at })
      await write(dir, 'ca', authority)
      await write(dir, 'back', back)
      process.stdout.write(placement(dir, 'back', 'back'))
    })
}

function addNodeCommand(): Command {
  return new Command('add-node')
    .description("make a front's certificate")
    .argument('<dir>', 'folder that "certs init" made')
    .argument('<name>', 'name of the front, as allowed_fronts lists it', nameOf)
    .addHelpText('after', `\nExamples:\n  $ ${programName} certs add-node ./certs front1`)
    .action(async (dir: string, name: string) => {
      const { newNode } = await import('./certificates.js')
      const authority = await readAuthority(dir)
      await mustBeMissing(dir, [name])
      const at = systemClock().wall()
      await write(dir, name, await newNode({ authority, name, role: 'front', at }))
      process.stdout.write(placement(dir, name, 'front'))
    })
}

/** Which file goes where, and what to write into that node's configuration. */
function placement(dir: string, name: string, role: 'front' | 'back'): string {
  const at = (file: string): string => join(resolve(dir), file)
  return `Copy to ${role === 'front' ? `front ${name}` : 'the back'}, readable by the proxy alone:
  ${at('ca.crt')}
  ${at(`${name}.crt`)}
  ${at(`${name}.key`)}
and name them in its configuration:
  [split]
  ca_file = "ca.crt"
  cert_file = "${name}.crt"
  key_file = "${name}.key"
${role === 'back' ? '' : `and add "${name}" to allowed_fronts of the back.\n`}Keep ${at('ca.key')} to yourself: who has it can make more nodes.
`
}

async function readAuthority(dir: string): Promise<Identity> {
  try {
    const [cert, key] = await Promise.all(
      ['ca.crt', 'ca.key'].map((file) => readFile(join(dir, file), 'utf8')),
    )
    return { cert: cert ?? '', key: key ?? '' }
  } catch (cause) {
    throw new HoldfastError(
      'HF_MTPROTO_NO_AUTHORITY',
      `${dir} has no authority: run "${programName} certs init ${dir}" first (${String(cause)})`,
      { cause },
    )
  }
}

async function mustBeMissing(dir: string, names: readonly string[]): Promise<void> {
  for (const file of names.flatMap((name) => [`${name}.crt`, `${name}.key`])) {
    const path = join(dir, file)
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere)
      throw new HoldfastError('HF_MTPROTO_FILE_EXISTS', `${path} is there already; remove it first`)
  }
}

async function write(dir: string, name: string, { cert, key }: Identity): Promise<void> {
  await writeFile(join(dir, `${name}.key`), key, { mode: 0o600, flag: 'wx' })
  await writeFile(join(dir, `${name}.crt`), cert, { mode: 0o600, flag: 'wx' })
}

function nameOf(text: string): string {
  if (/^[\w-][\w.-]{0,63}$/.test(text) && text !== 'ca' && text !== 'back') return text
  throw new InvalidArgumentError(
    'It must be a name other than ca and back, of letters, digits, dots and hyphens.',
  )
}
