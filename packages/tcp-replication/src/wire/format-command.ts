import { Buffer } from 'node:buffer'
import { looksLikeInteger } from './arguments.js'
import type { Dialect, KnownCommand, Token, UserSyncCommand } from './commands.js'
import { OversizeLineError, UnsendableError } from './errors.js'
import { encodeJson } from './json.js'
import { maxLineBytes } from './line-decoder.js'
import { senders } from './who-may-send.js'

/**
 * Writes a command as a line without its line feed. In D1, instances are left out.
 *
 * @throws an {@link OversizeLineError} when the line takes more than 16384 bytes, naming stream and token of a row
 * @throws an {@link UnsendableError} when the line could not be read back: a line feed, a space in any but the last
 * argument, a number that is no safe integer, a command or instance that the dialect lacks
 *
 * @example
 * ```ts
 * import { formatCommand } from '@holdfast/tcp-replication'
 *
 * formatCommand({ name: 'REPLICATE', stream: 'events', token: 'NOW' }, 'D1') // => 'REPLICATE events NOW'
 * formatCommand({ name: 'REPLICATE', stream: null, token: null }, 'D2') // => 'REPLICATE '
 * ```
 */
export function formatCommand(command: KnownCommand, dialect: Dialect): string {
  if (!senders[dialect].has(command.name)) throw new UnsendableError('name', `a command of ${dialect}`)
  const line = `${command.name} ${formatArguments(command, dialect)}`
  checkLine(line, Buffer.byteLength(line), command)
  return line
}

/** Writes a command as the bytes of its line, line feed included. Otherwise like {@link formatCommand}. */
export function encodeCommand(command: KnownCommand, dialect: Dialect): Uint8Array {
  return Buffer.from(`${formatCommand(command, dialect)}\n`)
}

/**
 * Writes a row for D1: bytes to be made once and shared by all connections, line feed included.
 *
 * @param row - JSON, of {@link encodeJson} or as it was received
 * @throws an {@link OversizeLineError} or {@link UnsendableError}, as {@link formatCommand} does
 */
export function encodeRdata(stream: string, token: Token, row: string): Uint8Array {
  return encodeRow(`RDATA ${word('stream', stream)} `, stream, token, row)
}

/** Writes a row for D2, where rows name the process that wrote them. Otherwise like {@link encodeRdata}. */
export function encodeInstanceRdata(stream: string, writer: string, token: Token, row: string): Uint8Array {
  return encodeRow(`RDATA ${word('stream', stream)} ${instance(writer)} `, stream, token, row)
}

function encodeRow(start: string, stream: string, token: Token, row: string): Uint8Array {
  const bytes = Buffer.from(`${start}${token === 'batch' ? token : integer('token', token)} ${row}\n`)
  checkLine(row, bytes.length - 1, { name: 'RDATA', stream, token })
  return bytes
}

function checkLine(
  text: string,
  bytes: number,
  about: KnownCommand | { name: 'RDATA'; stream: string; token: Token },
): void {
  if (text.includes('\n')) throw new UnsendableError(about.name, 'free of line feeds')
  if (bytes <= maxLineBytes) return
  throw new OversizeLineError(about.name, bytes, maxLineBytes, about.name === 'RDATA' ? about : undefined)
}

function formatArguments(command: KnownCommand, dialect: Dialect): string {
  const d1 = dialect === 'D1'
  switch (command.name) {
    case 'SERVER':
    case 'PING':
    case 'NAME':
    case 'ERROR':
    case 'SYNC':
    case 'REMOTE_SERVER_UP':
      return command.text
    case 'RDATA': {
      const token = command.token === 'batch' ? command.token : integer('token', command.token)
      return `${word('stream', command.stream)} ${d1 ? '' : `${instance(command.instance)} `}${token} ${command.row}`
    }
    case 'POSITION': {
      const { previous } = command
      const before = previous === null ? '' : `${integer('previous', previous)} `
      const from = d1 ? '' : `${instance(command.instance)} ${before}`
      return `${word('stream', command.stream)} ${from}${integer('token', command.token)}`
    }
    case 'REPLICATE':
      if (d1 === (command.stream === null)) throw new UnsendableError('stream', d1 ? 'a name' : 'null in D2')
      if (command.stream === null) return ''
      return `${word('stream', command.stream)} ${command.token === 'NOW' ? 'NOW' : integer('token', command.token)}`
    case 'USER_SYNC':
      return formatUserSync(command, d1)
    case 'CLEAR_USER_SYNC':
      return command.instance
    case 'FEDERATION_ACK': {
      const by = d1 || command.instance === null ? '' : `${instance(command.instance)} `
      return `${by}${integer('token', command.token)}`
    }
    case 'REMOVE_PUSHER':
      return `${word('appId', command.appId)} ${word('pushKey', command.pushKey)} ${command.user}`
    case 'INVALIDATE_CACHE':
      return `${word('cache', command.cache)} ${encodeJson(command.keys)}`
    case 'USER_IP': {
      const { accessToken, ip, userAgent, device, lastSeenMs } = command
      return `${word('user', command.user)} ${encodeJson([accessToken, ip, userAgent, device, lastSeenMs])}`
    }
  }
}

function formatUserSync(command: UserSyncCommand, d1: boolean): string {
  const { user, device, state, lastSyncMs } = command
  const by = d1 ? '' : `${instance(command.instance)} `
  const on = d1 || device === undefined ? '' : `${word('device', device ?? 'None')} `
  return `${by}${word('user', user)} ${on}${state} ${integer('lastSyncMs', lastSyncMs)}`
}

function word(field: string, value: string): string {
  if (/[ \n]/.test(value)) throw new UnsendableError(field, 'free of spaces and line feeds')
  return value
}

function instance(value: string | null): string {
  // A reader tells the dialects apart by this word (14.5).
  if (value !== null && value !== 'batch' && !looksLikeInteger(value)) return word('instance', value)
  throw new UnsendableError('instance', 'in D2 the name of a process, neither a number nor batch')
}

function integer(field: string, value: number): number {
  if (!Number.isSafeInteger(value)) throw new UnsendableError(field, 'a safe integer')
  return value
}
