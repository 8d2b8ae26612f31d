/**
 * The two forms of the protocol: `D1` is Synapse v0.21 to v1.12, `D2` is v1.13 to v1.66 over TCP and later over
 * Redis.
 */
export type Dialect = 'D1' | 'D2'

/** Position of a row: a number, or `batch` when the next row of the stream belongs to the same number. */
export type Token = number | 'batch'

/** A command whose whole argument is one text: a name, a time, a reason. */
export interface TextCommand {
  /**
   * `SERVER` says the server's name, `NAME` the client's; `PING` carries the sender's time; `ERROR` the reason of a
   * close; `SYNC` (D1) a text to wait for; `REMOTE_SERVER_UP` a server that can be reached again.
   */
  readonly name: 'SERVER' | 'PING' | 'NAME' | 'ERROR' | 'SYNC' | 'REMOTE_SERVER_UP'
  readonly text: string
}

/** One row of a stream. */
export interface RdataCommand {
  readonly name: 'RDATA'
  readonly stream: string
  /** The process that wrote the row; `null` in D1. */
  readonly instance: string | null
  readonly token: Token
  /** The row's JSON as it came, not yet parsed: `decodeRow` does that for whoever wants the row. */
  readonly row: string
}

/** The receiver now has everything of the stream up to `token`. */
export interface PositionCommand {
  readonly name: 'POSITION'
  readonly stream: string
  /** The process whose position it is; `null` in D1. */
  readonly instance: string | null
  /** Where that process was before; `null` in D1 and before v1.22. */
  readonly previous: number | null
  readonly token: number
}

/** D1: asks for the rows of a stream, or with `ALL` of every stream. */
export interface ReplicateCommand {
  readonly name: 'REPLICATE'
  readonly stream: string
  /** Rows above this token; `NOW` for none of the past. */
  readonly token: number | 'NOW'
}

/** D2: asks for the position of every stream. */
export interface ReplicateAllCommand {
  readonly name: 'REPLICATE'
  readonly stream: null
  readonly token: null
}

/** A user began or ceased to sync on this worker. */
export interface UserSyncCommand {
  readonly name: 'USER_SYNC'
  /** Random id of the worker process; `null` in D1, where the connection stands for it. */
  readonly instance: string | null
  readonly user: string
  /** From v1.92: the device, `null` if it has none. Absent in the earlier forms. */
  readonly device?: string | null
  readonly state: 'start' | 'end'
  /** Time of the last sync, in milliseconds since 1970. */
  readonly lastSyncMs: number
}

/** D2: forget every sync of a worker process. */
export interface ClearUserSyncCommand {
  readonly name: 'CLEAR_USER_SYNC'
  readonly instance: string
}

/** The federation stream is durably handled up to `token`. */
export interface FederationAckCommand {
  readonly name: 'FEDERATION_ACK'
  /** The acknowledging process, from v1.18; `null` before. */
  readonly instance: string | null
  readonly token: number
}

/** Delete a pusher. */
export interface RemovePusherCommand {
  readonly name: 'REMOVE_PUSHER'
  readonly appId: string
  readonly pushKey: string
  readonly user: string
}

/** Drop an entry of a named cache. */
export interface InvalidateCacheCommand {
  readonly name: 'INVALIDATE_CACHE'
  readonly cache: string
  /** Any JSON, normally an array. May contain an access token. */
  readonly keys: unknown
}

/** Where a user was seen. Contains an access token: for logs use `describeCommand`. */
export interface UserIpCommand {
  readonly name: 'USER_IP'
  readonly user: string
  readonly accessToken: string
  readonly ip: string
  readonly userAgent: string
  readonly device: string | null
  /** In milliseconds since 1970. */
  readonly lastSeenMs: number
}

/** A well-formed line with a command that this implementation does not know: peers are newer than we are. */
export interface UnknownCommand {
  readonly name: 'UNKNOWN'
  /** The command as it was written. */
  readonly command: string
  /** Everything after the first space. */
  readonly args: string
}

/** Everything that can be written; `name` tells commands apart. */
export type KnownCommand =
  | TextCommand
  | RdataCommand
  | PositionCommand
  | ReplicateCommand
  | ReplicateAllCommand
  | UserSyncCommand
  | ClearUserSyncCommand
  | FederationAckCommand
  | RemovePusherCommand
  | InvalidateCacheCommand
  | UserIpCommand

/** Everything that can be read. */
export type Command = KnownCommand | UnknownCommand

/** Which side of a connection. */
export type Side = 'server' | 'client'
