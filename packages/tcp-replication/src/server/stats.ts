/** What a server has counted since it started; a stream's or command's name is the key. */
export interface ServerStats {
  /** Rows taken from the source for live readers, once each. */
  readonly streamUpdates: ReadonlyMap<string, number>
  /** Rows written in catch-ups, to all connections. */
  readonly catchUpRows: ReadonlyMap<string, number>
  readonly inboundCommands: ReadonlyMap<string, number>
  readonly outboundCommands: ReadonlyMap<string, number>
  /** Connections ended, by the kind of their end. */
  readonly closeReasons: ReadonlyMap<string, number>
  /** Rows left out because they cannot be a line. */
  readonly unsendableRows: ReadonlyMap<string, number>
  /** Reads of the source that failed. */
  readonly sourceFailures: ReadonlyMap<string, number>
  /** Clients that asked from above the server's position, and streams that started over. */
  readonly resets: ReadonlyMap<string, number>
  /** Connections cut off because they did not keep up. */
  readonly failedToKeepUp: number
}

/** The counting side of {@link ServerStats}. */
export class ServerCounters implements ServerStats {
  readonly streamUpdates = new Map<string, number>()
  readonly catchUpRows = new Map<string, number>()
  readonly inboundCommands = new Map<string, number>()
  readonly outboundCommands = new Map<string, number>()
  readonly closeReasons = new Map<string, number>()
  readonly unsendableRows = new Map<string, number>()
  readonly sourceFailures = new Map<string, number>()
  readonly resets = new Map<string, number>()
  failedToKeepUp = 0
}
