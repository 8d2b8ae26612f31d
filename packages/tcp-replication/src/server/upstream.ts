import type {
  ClearUserSyncCommand,
  FederationAckCommand,
  InvalidateCacheCommand,
  RemovePusherCommand,
  UserIpCommand,
  UserSyncCommand,
} from '../wire/commands.js'

/** Who sent a command. */
export interface ClientIdentity {
  /** Five random letters, new for each connection (7.8). */
  readonly connectionId: string
  /** What the client calls itself; `anon` before its first NAME. */
  readonly name: string
}

/**
 * What a server does with the commands of its clients (7.7). Nothing is answered; a handler that throws or rejects
 * is logged and harms nothing else.
 */
export interface UpstreamHandlers {
  /** A user has started or stopped syncing at the client. */
  userSync?(command: UserSyncCommand, client: ClientIdentity): void | Promise<void>
  /** Forget every sync of a process: asked for in D2; in D1 the connection that stood for it has ended. */
  clearUserSync?(command: ClearUserSyncCommand, client: ClientIdentity): void | Promise<void>
  /** The federation stream is durably handled up to a token. */
  federationAck?(command: FederationAckCommand, client: ClientIdentity): void | Promise<void>
  /** A pusher is to be removed. */
  removePusher?(command: RemovePusherCommand, client: ClientIdentity): void | Promise<void>
  /** An entry of a cache is to be invalidated everywhere. */
  invalidateCache?(command: InvalidateCacheCommand, client: ClientIdentity): void | Promise<void>
  /** The command holds an access token. */
  userIp?(command: UserIpCommand, client: ClientIdentity): void | Promise<void>
  /** A remote server can be reached again. */
  remoteServerUp?(server: string, client: ClientIdentity): void | Promise<void>
}
