import type { Command } from './commands.js'

/**
 * Says in one short line what a command is, for logs: without access tokens, push keys, cache keys (the key of a
 * cache can be an access token) and the contents of rows.
 *
 * @example
 * ```ts
 * import { describeCommand } from '@holdfast/tcp-replication'
 *
 * const row = '["get_user_by_access_token",["secret"],1]'
 * describeCommand({ name: 'RDATA', stream: 'caches', instance: null, token: 3, row })
 * // => 'RDATA caches 3 (41 characters)'
 * ```
 */
export function describeCommand(command: Command): string {
  return cut(describe(command))
}

function describe(command: Command): string {
  switch (command.name) {
    case 'RDATA': {
      const { stream, instance, token, row } = command
      return `RDATA ${stream} ${instance === null ? '' : `${instance} `}${token} (${row.length} characters)`
    }
    case 'POSITION': {
      const { stream, instance, previous, token } = command
      return ['POSITION', stream, instance, previous, token].filter((part) => part !== null).join(' ')
    }
    case 'REPLICATE':
      return command.stream === null ? 'REPLICATE' : `REPLICATE ${command.stream} ${command.token}`
    case 'USER_SYNC':
      return `USER_SYNC ${command.user} ${command.state}`
    case 'CLEAR_USER_SYNC':
      return `CLEAR_USER_SYNC ${command.instance}`
    case 'FEDERATION_ACK':
      return `FEDERATION_ACK ${command.token}`
    case 'REMOVE_PUSHER':
      return `REMOVE_PUSHER ${command.appId} (push key withheld) ${command.user}`
    case 'INVALIDATE_CACHE':
      return `INVALIDATE_CACHE ${command.cache} (keys withheld)`
    case 'USER_IP':
      return `USER_IP ${command.user} (details withheld)`
    case 'UNKNOWN':
      return `${command.command} (unknown, ${command.args.length} characters)`
    case 'SERVER':
    case 'PING':
    case 'NAME':
    case 'ERROR':
    case 'SYNC':
    case 'REMOTE_SERVER_UP':
      return `${command.name} ${command.text}`
  }
}

function cut(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
