/** What a client has counted since it started; a stream's or command's name is the key. */
export interface ClientStats {
  /** Batches applied. */
  readonly deliveries: ReadonlyMap<string, number>
  readonly rows: ReadonlyMap<string, number>
  /** D2: rows that came again on a link and were dropped. In D1, and after a reconnect, they are applied again. */
  readonly duplicates: ReadonlyMap<string, number>
  readonly inboundCommands: ReadonlyMap<string, number>
  readonly outboundCommands: ReadonlyMap<string, number>
  readonly problems: ReadonlyMap<string, number>
}

/** The counting side of {@link ClientStats}. */
export class ClientCounters implements ClientStats {
  readonly deliveries = new Map<string, number>()
  readonly rows = new Map<string, number>()
  readonly duplicates = new Map<string, number>()
  readonly inboundCommands = new Map<string, number>()
  readonly outboundCommands = new Map<string, number>()
  readonly problems = new Map<string, number>()
}
