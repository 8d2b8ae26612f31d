import type { End, Millis } from '@holdfast/core'
import type { Dialect, KnownCommand } from '../wire/commands.js'
import type { Follower } from './follower.js'
import type { OnChannel } from './on-channel.js'
import type { ClientProblem } from './options.js'
import type { ClientCounters } from './stats.js'
import type { StreamUpdates } from './stream-updates.js'
import type { UpstreamQueue } from './upstream-queue.js'

/** What the links of a client share, one after the other. */
export interface ClientContext {
  readonly name: string
  readonly mode: 'strict' | 'lenient'
  readonly followers: ReadonlyMap<string, Follower>
  readonly queue: UpstreamQueue
  readonly updates: StreamUpdates | null
  readonly requireServerName: boolean
  readonly catchUpStalledAfter: Millis
  readonly stats: ClientCounters
  /** What the server speaks; `null` until a line of it has told. */
  dialect: Dialect | null
  /** What the server must speak; `null` where that is found out. */
  readonly fixedDialect: Dialect | null
  /** `null` on a connection to one server. */
  readonly channel: OnChannel | null
  /** A command that was accepted before the dialect was known, and cannot be said in it. */
  unsendable(command: KnownCommand, cause: unknown): void
  wall(): Millis
  /** A line has come. */
  heard(): void
  report(problem: ClientProblem): void
  /** Judges the server's name: `null` if it is right. */
  judgeServer(name: string): End | null
  synced(text: string): void
}
