import { Buffer } from 'node:buffer'
import type { z } from 'zod'
import { parseSecret } from '../wire/secret.js'
import { bytesOf, type policyRule, type port, type table } from './parts.js'

/** Something that is wrong between options that are right by themselves. */
export interface OptionProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** The options that {@link checkOptions} compares. */
export interface ComparedOptions {
  readonly node_role: 'both' | 'front' | 'back'
  readonly back_node?: string | undefined
  readonly split: {
    readonly listen?: string | undefined
    readonly ca_file?: string | undefined
    readonly cert_file?: string | undefined
    readonly key_file?: string | undefined
  }
  readonly listen_ip: string
  readonly ports: readonly z.output<typeof port>[]
  readonly policy: readonly z.output<typeof policyRule>[]
  readonly tables: Readonly<Record<string, z.output<typeof table>>>
  readonly tls_server_cert_len: number | readonly number[]
  readonly bad_client: string
  readonly domain_fronting: string
  readonly proxy_secret_file?: string | undefined
  readonly proxy_config_file?: string | undefined
  readonly cache_dir?: string | undefined
}

type Port = ComparedOptions['ports'][number]
type Secret = Port['secrets'][number]

/** What is wrong between options: names used twice, tables that are not there, halves without a link. */
export function checkOptions(options: ComparedOptions): OptionProblem[] {
  return [
    ...checkRole(options),
    ...options.ports.flatMap((each, index) => checkPort(each, index)),
    ...checkPorts(options),
    ...checkOwners(options),
    ...checkPolicy(options),
    ...checkValues(options),
  ]
}

function checkRole({ node_role, back_node, split, ports }: ComparedOptions): OptionProblem[] {
  const problems: OptionProblem[] = []
  if (node_role !== 'back' && ports.length === 0) {
    problems.push({ path: ['ports'], message: 'must have at least one [[ports]]' })
  }
  if (node_role === 'both') return problems
  const field = node_role === 'front' ? 'back_node' : 'split.listen'
  const address = node_role === 'front' ? back_node : split.listen
  if (address === undefined) {
    problems.push({ path: field.split('.'), message: `a ${node_role} needs it` })
  } else if (address.startsWith('tls:')) {
    for (const file of ['ca_file', 'cert_file', 'key_file'] as const) {
      if (split[file] === undefined) {
        problems.push({
          path: ['split', file],
          message: `${field} is tls: it is needed, see "certs init --help"`,
        })
      }
    }
  } else if (!/^tcp:\/\/(127\.[\d.]+|\[::1\]):|^unix:/.test(address)) {
    problems.push({ path: field.split('.'), message: 'can be tcp on loopback only, for a tunnel; use tls' })
  }
  return problems
}

function checkPort(port: Port, index: number): OptionProblem[] {
  const at = ['ports', index]
  const hasOne = port.secret !== undefined
  const problems: OptionProblem[] = []
  if (hasOne === port.secrets.length > 0) {
    problems.push({
      path: [...at, 'secret'],
      message: `port ${port.name} needs one secret, or [[ports.secrets]] with names, and not both`,
    })
  }
  const names = port.secrets.map(({ name }) => name.toLowerCase())
  const keys = port.secrets.map(({ secret }) => Buffer.from(parseSecret(secret).key).toString('hex'))
  for (const [position, each] of port.secrets.entries()) {
    if (names.indexOf(each.name.toLowerCase()) < position) {
      problems.push({
        path: [...at, 'secrets', position, 'name'],
        message: `port ${port.name} has two secrets called ${each.name}`,
      })
    }
    if (keys.indexOf(keys[position] ?? '') < position) {
      problems.push({
        path: [...at, 'secrets', position, 'secret'],
        message: `port ${port.name} has the secret of ${each.name} twice`,
      })
    }
  }
  return problems
}

function checkPorts({ ports, listen_ip }: ComparedOptions): OptionProblem[] {
  const problems: OptionProblem[] = []
  const names = new Set<string>()
  const addresses = new Set<string>()
  for (const [index, { name, port, listen_ip: at = listen_ip, listen_fd }] of ports.entries()) {
    const lower = name.toLowerCase()
    if (names.has(lower))
      problems.push({ path: ['ports', index, 'name'], message: `two ports are called ${name}` })
    names.add(lower)
    if (port === 0) continue
    const address = listen_fd === undefined ? `${at} port ${port}` : `descriptor ${listen_fd}`
    if (addresses.has(address)) {
      problems.push({ path: ['ports', index, 'port'], message: `two ports listen on ${address}` })
    }
    addresses.add(address)
  }
  return problems
}

/** The same name on several ports is one owner, whose limits cannot differ. */
function checkOwners({ ports, cache_dir }: ComparedOptions): OptionProblem[] {
  const problems: OptionProblem[] = []
  const known = new Map<string, string>()
  for (const [index, port] of ports.entries()) {
    for (const [position, secret] of port.secrets.entries()) {
      const path = ['ports', index, 'secrets', position]
      const limits = limitsOf(secret)
      const others = known.get(secret.name.toLowerCase())
      if (others !== undefined && others !== limits) {
        problems.push({
          path: [...path, 'name'],
          message: `${secret.name} has other limits on another port`,
        })
      }
      known.set(secret.name.toLowerCase(), limits)
      if (secret.quota_bytes !== undefined && cache_dir === undefined) {
        problems.push({
          path: [...path, 'quota_bytes'],
          message: 'a quota needs cache_dir, or a restart would forget what was used up',
        })
      }
    }
  }
  return problems
}

function limitsOf({ enabled, expires, quota_bytes, max_connections }: Secret): string {
  return JSON.stringify([enabled, expires, quota_bytes && bytesOf(quota_bytes), max_connections])
}

function checkPolicy({ policy, tables }: ComparedOptions): OptionProblem[] {
  return policy.flatMap((rule, index) =>
    rule.rule === 'max_connections' || Object.hasOwn(tables, rule.table)
      ? []
      : [
          {
            path: ['policy', index, 'table'],
            message: `there is no table ${rule.table}; add [tables.${rule.table}]`,
          },
        ],
  )
}

function checkValues(options: ComparedOptions): OptionProblem[] {
  const problems: OptionProblem[] = []
  const { tls_server_cert_len: length, bad_client, domain_fronting } = options
  if (typeof length !== 'number' && (length[0] ?? 0) > (length[1] ?? 0)) {
    problems.push({ path: ['tls_server_cert_len'], message: 'must be the least and then the most' })
  }
  if (bad_client === 'front' && !domain_fronting.includes(':')) {
    problems.push({
      path: ['bad_client'],
      message: 'can be front only if domain_fronting is a HOST:PORT',
    })
  }
  if ((options.proxy_secret_file === undefined) !== (options.proxy_config_file === undefined)) {
    problems.push({
      path: ['proxy_config_file'],
      message: 'give both proxy_secret_file and proxy_config_file, or neither',
    })
  }
  return problems
}
