/** The recorded vectors, and our commands in the words that they use. */
import { readFileSync } from 'node:fs'
import { type Command, decodeRow, type RowReading } from '@holdfast/tcp-replication'

/** Reads `tcp-replication-NAME.json`; the caller says what is in it. */
export function vectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`tcp-replication-${name}.json`, import.meta.url), 'utf8'))
}

/** A recorded line: which way it went, and the line. */
export interface RecordedLine {
  readonly from: 'server' | 'client'
  readonly line: string
}

/** Finds every `[…, '>' | '<', line]` in a recording. */
export function recordedLines(recording: unknown): RecordedLine[] {
  if (typeof recording !== 'object' || recording === null) return []
  if (!Array.isArray(recording)) return Object.values(recording).flatMap(recordedLines)
  const [direction, line] = recording.slice(-2) as unknown[]
  if ((direction === '>' || direction === '<') && typeof line === 'string') {
    return [{ from: direction === '>' ? 'server' : 'client', line }]
  }
  return recording.flatMap(recordedLines)
}

/** What Synapse's objects hold for the same command. */
export function synapseFields(command: Command): Record<string, unknown> {
  switch (command.name) {
    case 'RDATA':
      return {
        stream_name: command.stream,
        ...(command.instance === null ? {} : { instance_name: command.instance }),
        token: command.token === 'batch' ? null : command.token,
        row: plain(JSON.parse(command.row)),
      }
    case 'POSITION':
      return {
        stream_name: command.stream,
        ...(command.instance === null ? {} : { instance_name: command.instance }),
        ...(command.previous === null
          ? { token: command.token }
          : { prev_token: command.previous, new_token: command.token }),
      }
    case 'REPLICATE':
      return command.stream === null ? {} : { stream_name: command.stream, token: command.token }
    case 'USER_SYNC':
      return {
        ...(command.instance === null ? {} : { instance_id: command.instance }),
        user_id: command.user,
        ...(command.device === undefined ? {} : { device_id: command.device }),
        is_syncing: command.state === 'start',
        last_sync_ms: command.lastSyncMs,
      }
    case 'CLEAR_USER_SYNC':
      return { instance_id: command.instance }
    case 'FEDERATION_ACK':
      return {
        ...(command.instance === null ? {} : { instance_name: command.instance }),
        token: command.token,
      }
    case 'REMOVE_PUSHER':
      return { user_id: command.user, app_id: command.appId, push_key: command.pushKey }
    case 'INVALIDATE_CACHE':
      return { cache_func: command.cache, keys: command.keys }
    case 'USER_IP':
      return {
        user_id: command.user,
        access_token: command.accessToken,
        ip: command.ip,
        user_agent: command.userAgent,
        device_id: command.device,
        last_seen: command.lastSeenMs,
      }
    case 'UNKNOWN':
      return { unknown: command.command }
    default:
      return { data: command.text }
  }
}

/** Brings numbers that JSON files cannot hold, and Python's larger ones, to what JavaScript makes of them. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : String(value)
  if (typeof value !== 'object' || value === null) return value
  if ('$int' in value) return Number(value.$int)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]))
}

/** Reads a row given as a value. */
export function readRow(stream: string, row: unknown): RowReading {
  return decodeRow(stream, JSON.stringify(row))
}
