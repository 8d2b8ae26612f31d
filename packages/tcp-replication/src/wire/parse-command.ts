import { z } from 'zod'
import { BadArguments, looksLikeInteger, parseInteger, parseJson, split, splitUpTo } from './arguments.js'
import type {
  Command,
  Dialect,
  FederationAckCommand,
  KnownCommand,
  PositionCommand,
  RdataCommand,
  ReplicateAllCommand,
  ReplicateCommand,
  Side,
  UnknownCommand,
  UserIpCommand,
  UserSyncCommand,
} from './commands.js'
import { ProtocolError } from './errors.js'
import { senders } from './who-may-send.js'

/** Settings of {@link parseCommand}. */
export interface ParseOptions {
  /** Who sent the line; decides which commands are permitted. */
  readonly from: Side
  readonly dialect: Dialect
  /**
   * `strict` refuses what Synapse of 2019 refuses. `lenient` ignores blank lines, reads a line without a space as a
   * command without arguments, strips one carriage return, leaves the JSON of rows unread, and takes unknown
   * commands of a server for {@link UnknownCommand}.
   *
   * @defaultValue 'lenient'
   */
  readonly mode?: 'strict' | 'lenient'
}

/**
 * Reads one line. Never throws: what the peer did wrong is a returned {@link ProtocolError}.
 *
 * The row of an RDATA stays text, because who routes or relays rows never needs it parsed; in `lenient` mode it
 * may turn out not to be JSON. Direction is tested before the arguments (3).
 *
 * @param line - without its line feed
 * @returns `null` for a blank line in `lenient` mode
 *
 * @example
 * ```ts
 * import { parseCommand } from '@holdfast/tcp-replication'
 *
 * parseCommand('POSITION events 7', { from: 'server', dialect: 'D1' })
 * // => { name: 'POSITION', stream: 'events', instance: null, previous: null, token: 7 }
 * ```
 */
export function parseCommand(line: string, options: ParseOptions): Command | ProtocolError | null {
  const { from, dialect } = options
  const strict = options.mode === 'strict'
  const text = !strict && line.endsWith('\r') ? line.slice(0, -1) : line
  if (!strict && text.trim() === '') return null
  const space = text.indexOf(' ')
  const name = space < 0 ? text : text.slice(0, space)
  const args = space < 0 ? '' : text.slice(space + 1)
  if (space < 0 && strict && dialect === 'D1') return badArguments(null, 'line without a space')
  const sender = senders[dialect].get(name)
  // Synapse of 2019 does not have REMOTE_SERVER_UP, which came with v1.9.
  if (sender === undefined || (strict && dialect === 'D1' && name === 'REMOTE_SERVER_UP')) {
    return unknownCommand(name, args, options)
  }
  if (sender !== from && sender !== 'both') return invalidCommand(name)
  try {
    return parseArguments(name as KnownCommand['name'], args, dialect, strict)
  } catch (error) {
    if (error instanceof BadArguments) return badArguments(name, error.message, args)
    throw error
  }
}

function parseArguments(
  name: KnownCommand['name'],
  args: string,
  dialect: Dialect,
  strict: boolean,
): Command {
  switch (name) {
    case 'RDATA':
      return parseRdata(args, dialect, strict)
    case 'POSITION':
      return parsePosition(args, dialect)
    case 'SERVER':
    case 'PING':
    case 'NAME':
    case 'ERROR':
    case 'SYNC':
    case 'REMOTE_SERVER_UP':
      return { name, text: args }
    case 'REPLICATE':
      return parseReplicate(args, dialect)
    case 'USER_SYNC':
      return dialect === 'D1' ? userSync(null, split(args, 2)) : parseInstanceUserSync(args)
    case 'CLEAR_USER_SYNC':
      return { name, instance: args }
    case 'FEDERATION_ACK':
      return parseFederationAck(args, dialect)
    case 'REMOVE_PUSHER': {
      const [appId = '', pushKey = '', user = ''] = split(args, 2)
      return { name, appId, pushKey, user }
    }
    case 'INVALIDATE_CACHE': {
      const [cache = '', keys = ''] = split(args, 1)
      return { name, cache, keys: parseJson(keys) }
    }
    case 'USER_IP':
      return parseUserIp(args)
  }
}

function parseRdata(args: string, dialect: Dialect, strict: boolean): RdataCommand {
  // Most lines are rows: no array of parts.
  const first = args.indexOf(' ')
  const second = first < 0 ? -1 : args.indexOf(' ', first + 1)
  const third = dialect === 'D1' || second < 0 ? second : args.indexOf(' ', second + 1)
  if (third < 0) throw new BadArguments('not enough values to unpack')
  const stream = args.slice(0, first)
  const instance = dialect === 'D1' ? null : args.slice(first + 1, second)
  const token = dialect === 'D1' ? args.slice(first + 1, second) : args.slice(second + 1, third)
  const row = args.slice(third + 1)
  if (strict) parseJson(row)
  return { name: 'RDATA', stream, instance, token: token === 'batch' ? token : parseInteger(token), row }
}

function parsePosition(args: string, dialect: Dialect): PositionCommand {
  if (dialect === 'D1') {
    const [stream = '', token = ''] = split(args, 1)
    return { name: 'POSITION', stream, instance: null, previous: null, token: parseInteger(token) }
  }
  // Before v1.22 there was no previous token.
  const [stream = '', instance = '', ...tokens] = splitUpTo(args.trimEnd(), 3)
  const [token, previous] = tokens.map(parseInteger).reverse()
  if (token === undefined) throw new BadArguments('not enough values to unpack')
  return { name: 'POSITION', stream, instance, previous: previous ?? null, token }
}

function parseReplicate(args: string, dialect: Dialect): ReplicateCommand | ReplicateAllCommand {
  if (dialect === 'D2') return { name: 'REPLICATE', stream: null, token: null }
  const [stream = '', token = ''] = split(args, 1)
  const now = token === 'NOW' || token === 'now'
  return { name: 'REPLICATE', stream, token: now ? 'NOW' : parseInteger(token) }
}

function parseInstanceUserSync(args: string): UserSyncCommand {
  const [instance = '', ...rest] = splitUpTo(args.trimEnd(), 4)
  if (rest.length < 4) return userSync(instance, rest)
  // From v1.92 there is a device before the state.
  const [user = '', device = '', ...stateAndTime] = rest
  return { ...userSync(instance, [user, ...stateAndTime]), device: device === 'None' ? null : device }
}

function userSync(instance: string | null, [user, state, lastSyncMs]: readonly string[]): UserSyncCommand {
  if (user === undefined || lastSyncMs === undefined) throw new BadArguments('not enough values to unpack')
  if (state !== 'start' && state !== 'end') throw new BadArguments('state is neither start nor end')
  return { name: 'USER_SYNC', instance, user, state, lastSyncMs: parseInteger(lastSyncMs) }
}

function parseFederationAck(args: string, dialect: Dialect): FederationAckCommand {
  if (dialect === 'D1' || looksLikeInteger(args)) {
    return { name: 'FEDERATION_ACK', instance: null, token: parseInteger(args) }
  }
  const [instance = '', token = ''] = split(args, 1)
  return { name: 'FEDERATION_ACK', instance, token: parseInteger(token) }
}

const userIpDetails = z.tuple([z.string(), z.string(), z.string(), z.string().nullable(), z.number()])

function parseUserIp(args: string): UserIpCommand {
  const [user = '', json = ''] = split(args, 1)
  const details = userIpDetails.safeParse(parseJson(json))
  if (!details.success) throw new BadArguments('not [access_token, ip, user_agent, device_id, last_seen]')
  const [accessToken, ip, userAgent, device, lastSeenMs] = details.data
  return { name: 'USER_IP', user, accessToken, ip, userAgent, device, lastSeenMs }
}

const commandName = /^[A-Z][A-Z0-9_]*$/

function unknownCommand(name: string, args: string, options: ParseOptions): UnknownCommand | ProtocolError {
  const tolerated = options.mode !== 'strict' && options.from === 'server' && commandName.test(name)
  if (tolerated) return { name: 'UNKNOWN', command: name, args }
  return invalidCommand(name)
}

function invalidCommand(name: string): ProtocolError {
  return new ProtocolError('HF_REPLICATION_INVALID_COMMAND', `invalid command: ${cut(name)}`)
}

/** Commands whose arguments hold nothing that an error text, and with it a peer's log, must not show. */
const quotable: ReadonlySet<string> = new Set(['REPLICATE', 'POSITION', 'USER_SYNC', 'FEDERATION_ACK'])

function badArguments(command: string | null, reason: string, args = ''): ProtocolError {
  const quoted = command !== null && quotable.has(command) ? ` ('${cut(args)}')` : ''
  // The two spaces and the colon at the end are Synapse's.
  const text = `failed to parse line for  '${command ?? ''}': ${reason}${quoted}:`
  return new ProtocolError('HF_REPLICATION_BAD_ARGUMENTS', text, command)
}

/** An ERROR must fit into a line, too. */
function cut(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text
}
