import type { Command } from '../wire/commands.js'

/** What differs where everybody talks on one channel instead of with one server (14.4). */
export interface OnChannel {
  /** Whose rows and positions of a stream to take: others who write it count on their own. */
  writerOf(stream: string): string
}

/** What processes of later releases say to each other (14.1). */
const amongWorkers: ReadonlySet<string> = new Set(['LOCK_RELEASED', 'NEW_ACTIVE_TASK', 'CANCEL_TASK'])

/** Of what everybody hears, the rows and positions of whoever writes the stream; and what is newer than we are. */
export function isMeantFor(channel: OnChannel, command: Command): boolean {
  switch (command.name) {
    case 'RDATA':
    case 'POSITION':
      return command.instance === channel.writerOf(command.stream)
    case 'UNKNOWN':
      return !amongWorkers.has(command.command)
    default:
      return false
  }
}
