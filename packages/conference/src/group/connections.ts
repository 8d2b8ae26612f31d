import { encodeExtension } from '../wire/extension.js'
import type { DhtKey, RealKey } from '../wire/identity.js'
import type { ConferenceTurn } from './turn.js'
import type { GroupConnection, Reason, Reasons } from './types.js'

/** Group connections per conference (spec 1). */
const maxConnections = 16

/** How many of them are kept free for newcomers (spec 6, L5). */
const keptFree = 2

const noReasons: Reasons = { closest: false, introducing: false, introducer: false }

/** The group connection to a peer. */
export function connectionTo(c: ConferenceTurn, realKey: RealKey): GroupConnection | null {
  return c.state.connections.find((connection) => connection.realKey === realKey) ?? null
}

/** Those that packets of the conference travel on. */
export function onlineConnections(c: ConferenceTurn): readonly GroupConnection[] {
  return c.state.connections.filter(({ state }) => state === 'online')
}

/**
 * Wants a link to a peer for one more reason. A new group connection is connecting.
 *
 * @param dhtKey - where to look for the peer; `null` if there is a link, or somebody else knows
 * @returns `null` when all 16 are in use
 */
export function addReason(
  c: ConferenceTurn,
  realKey: RealKey,
  reason: Reason,
  dhtKey: DhtKey | null = null,
): GroupConnection | null {
  const known = connectionTo(c, realKey)
  if (known?.reasons[reason]) return known
  if (known) return changeConnection(c, known, { reasons: { ...known.reasons, [reason]: true } })
  if (c.state.connections.length >= maxConnections) return null
  const connection: GroupConnection = {
    realKey,
    state: 'connecting',
    theirNumber: 0,
    reasons: { ...noReasons, [reason]: true },
    downSince: null,
    catchUp: { understands: false, missedSince: null, askedSince: null, answeredAt: null },
    spent: { second: c.at.beat, queries: 0, answers: 0 },
  }
  c.set({ connections: [...c.state.connections, connection] })
  c.turn.want(realKey, dhtKey, c.number)
  return connection
}

/** Takes a reason away, and the connection with its last one. */
export function dropReason(c: ConferenceTurn, realKey: RealKey, reason: Reason): void {
  const connection = connectionTo(c, realKey)
  if (!connection?.reasons[reason]) return
  const reasons = { ...connection.reasons, [reason]: false }
  if (reasons.closest || reasons.introducing || reasons.introducer)
    changeConnection(c, connection, { reasons })
  else removeConnection(c, realKey)
}

/** Lets go of the link, whatever it was wanted for. */
export function removeConnection(c: ConferenceTurn, realKey: RealKey): void {
  if (!connectionTo(c, realKey)) return
  c.set({ connections: c.state.connections.filter((connection) => connection.realKey !== realKey) })
  c.turn.release(realKey, c.number)
}

/** Packets of the conference may travel on it from now on, with the other side's number for it. */
export function goOnline(c: ConferenceTurn, connection: GroupConnection, theirNumber: number): void {
  changeConnection(c, connection, { state: 'online', theirNumber })
  if (c.turn.context.rules.history === null) return
  c.turn.send(connection.realKey, encodeExtension(theirNumber, { kind: 'hello' }))
}

/** Its link went down. */
export function goConnecting(c: ConferenceTurn, connection: GroupConnection): void {
  if (connection.state === 'connecting') return
  // Whoever answers next time may be another version; and what is said meanwhile is missed.
  const catchUp = { understands: false, missedSince: null, askedSince: null, answeredAt: null }
  changeConnection(c, connection, { state: 'connecting', downSince: c.at.stamp, catchUp })
}

/**
 * Whether a connection may cost us another Peer Query, or another answer to one, in this second of the clock:
 * otherwise a member could have us send a hundred kilobytes for each four bytes of its own.
 */
export function mayTake(
  c: ConferenceTurn,
  realKey: RealKey,
  what: 'queries' | 'answers',
  limit: number,
): boolean {
  const connection = connectionTo(c, realKey)
  if (!connection) return false
  const { spent } = connection
  const now = spent.second === c.at.beat ? spent : { second: c.at.beat, queries: 0, answers: 0 }
  if (now[what] >= limit) return false
  changeConnection(c, connection, { spent: { ...now, [what]: now[what] + 1 } })
  return true
}

/** Drops connections that are not to one of the closest, until enough are free: connecting ones first (L5). */
export function keepSomeFree(c: ConferenceTurn): void {
  while (c.state.connections.length > maxConnections - keptFree) {
    const spare = c.state.connections.filter(({ reasons }) => !reasons.closest)
    const next = spare.find(({ state }) => state === 'connecting') ?? spare[0]
    if (!next) return
    removeConnection(c, next.realKey)
  }
}

/** Replaces what is known of a connection. */
export function changeConnection(
  c: ConferenceTurn,
  connection: GroupConnection,
  with_: Partial<GroupConnection>,
): GroupConnection {
  const changed = { ...connection, ...with_ }
  const connections = c.state.connections.map((old) => (old.realKey === connection.realKey ? changed : old))
  c.set({ connections })
  return changed
}
