import { lookup } from 'node:dns/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { OptionError } from '@holdfast/core'
import { addInspectOption } from '@holdfast/core/program'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Level } from 'pino'
import { parseToxId } from '../tox/crypto/tox-id.js'
import type { ToxNodeOptions } from '../tox/node-options.js'
import { isValidKey, type RealKey } from '../wire/identity.js'
import { variablePrefix } from './program-name.js'

/** A host, by name or address, and a port. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** A node or relay by its DHT key. */
interface KnownNode extends HostPort {
  readonly key: string
}

/** Which profile a command works on. */
export interface ProfileFlags {
  readonly profile: string
}

/** How a command reaches others. */
export interface NetworkFlags extends ProfileFlags {
  readonly listen: HostPort
  readonly bootstrap: readonly KnownNode[]
  readonly relay: readonly KnownNode[]
  readonly neighbour: readonly HostPort[]
  readonly friend: readonly RealKey[]
  readonly lan?: boolean
  readonly logLevel: Level | 'silent'
}

/** Where Tox nodes of the local network listen first. */
const usualPort = 33_445

/** Adds `--profile`. */
export function addProfileOption(command: Command): Command {
  return command.addOption(
    new Option('-p, --profile <file>', 'the Tox save file')
      .env(`${variablePrefix}_PROFILE`)
      .default(join(homedir(), '.config', 'tox', 'holdfast.tox')),
  )
}

/** Adds `--profile` and what says how others are reached. */
export function addNetworkOptions(command: Command): Command {
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
  return addInspectOption(addProfileOption(command), variablePrefix)
    .addOption(
      new Option('--listen <host:port>', 'UDP address of our own; port 0 takes any free one')
        .argParser(hostPort)
        .default({ host: '0.0.0.0', port: 0 }, '0.0.0.0:0'),
    )
    .addOption(
      new Option('--bootstrap <host:port:key>', 'a node of the network; may be repeated')
        .argParser(collect(knownNode))
        .default([], 'none'),
    )
    .addOption(
      new Option('--relay <host:port:key>', 'a TCP relay; may be repeated')
        .argParser(collect(knownNode))
        .default([], 'none'),
    )
    .option('--lan', 'find friends on the local network by broadcasts')
    .addOption(
      new Option('--neighbour <host:port>', 'tell this address of us, as --lan does; may be repeated')
        .argParser(collect(theirHostPort))
        .default([], 'none'),
    )
    .addOption(
      new Option('--friend <id>', 'make this Tox ID or public key a friend; may be repeated')
        .argParser(collect(friendKey))
        .default([], 'none'),
    )
    .addOption(
      new Option('--log-level <level>', 'least severe lines to log on standard error')
        .choices(levels)
        .default('warn')
        .env(`${variablePrefix}_LOG_LEVEL`),
    )
}

/** What the options say to a node; names of hosts are looked up. */
export async function networkOf(
  flags: NetworkFlags,
): Promise<Required<Pick<ToxNodeOptions, 'listen' | 'bootstrap' | 'relays' | 'neighbours'>>> {
  const { listen, bootstrap, relay, neighbour, lan } = flags
  const around = lan === true ? [{ host: '255.255.255.255', port: usualPort }, ...neighbour] : neighbour
  return {
    listen: await resolved(listen),
    bootstrap: await Promise.all(
      bootstrap.map(async (node) => ({ dhtKey: node.key, address: await resolved(node) })),
    ),
    relays: await Promise.all(relay.map(async (node) => ({ key: node.key, ...(await resolved(node)) }))),
    neighbours: await Promise.all(around.map(resolved)),
  }
}

async function resolved({ host, port }: HostPort): Promise<HostPort> {
  try {
    const { address } = await lookup(host)
    return { host: address, port }
  } catch {
    throw new OptionError('host', 'an address, or a name that can be looked up', host)
  }
}

/** Reads `HOST:PORT`, or `[IPV6]:PORT`. */
export function hostPort(text: string): HostPort {
  const [, host, port] = /^\[?(.+?)\]?:(\d{1,5})$/.exec(text) ?? []
  if (host === undefined || Number(port) > 65_535) throw new InvalidArgumentError('It must be HOST:PORT.')
  return { host, port: Number(port) }
}

/** As {@link hostPort}, of somebody else: nobody is at port 0. */
function theirHostPort(text: string): HostPort {
  const place = hostPort(text)
  if (place.port === 0) throw new InvalidArgumentError('The port must be 1 to 65535.')
  return place
}

function knownNode(text: string): KnownNode {
  const [, where = '', key = ''] = /^(.+):([0-9a-fA-F]{64})$/.exec(text) ?? []
  if (key === '')
    throw new InvalidArgumentError('It must be HOST:PORT:KEY, the key of 64 hexadecimal digits.')
  return { ...theirHostPort(where), key: key.toLowerCase() }
}

/** Reads a Tox ID or a public key. */
export function friendKey(text: string): RealKey {
  if (/^[0-9a-fA-F]{64}$/.test(text) && isValidKey(text)) return text.toLowerCase()
  try {
    return parseToxId(text).realKey
  } catch {
    throw new InvalidArgumentError('It must be a Tox ID of 76, or a public key of 64 hexadecimal digits.')
  }
}

function collect<T>(parse: (text: string) => T): (text: string, before: readonly T[]) => T[] {
  return (text, before) => [...before, parse(text)]
}
