import { z } from 'zod'
import { array, flag, positional, type RowCodec } from './row-codec.js'
import { RowError } from './row-error.js'
import type { BackfillRow, EventRow, EventsRow, StateAllRow, StateRow } from './rows.js'

const text = z.string()
const reference = text.nullable()
const eventMembers = {
  eventId: text,
  roomId: text,
  type: text,
  stateKey: reference,
  redacts: reference,
  relatesTo: reference,
}
const eventKeys = ['eventId', 'roomId', 'type', 'stateKey', 'redacts', 'relatesTo'] as const

/** Events of the past. */
export const backfillCodec = positional<BackfillRow>(z.object(eventMembers), eventKeys)

const event = positional<Omit<EventRow, 'kind'>>(
  z.object({
    ...eventMembers,
    membership: reference.exactOptional(),
    rejected: flag.exactOptional(),
    outlier: flag.exactOptional(),
  }),
  eventKeys,
  [...eventKeys, 'membership', 'rejected'],
  [...eventKeys, 'membership', 'rejected', 'outlier'],
)
const state = positional<Omit<StateRow, 'kind'>>(
  z.object({ roomId: text, type: text, stateKey: text, eventId: reference }),
  ['roomId', 'type', 'stateKey', 'eventId'],
)
const stateAll = positional<Omit<StateAllRow, 'kind'>>(z.object({ roomId: text }), ['roomId'])

/** `[kind, members]`, each kind with members of its own (9.2). */
export const eventsCodec: RowCodec<EventsRow> = {
  decode(stream, value) {
    const [kind, members, ...further] = array(stream, value, 2)
    const read = decodeKind(stream, kind, members)
    return { row: read.row, extra: read.extra + further.length }
  },
  encode(row) {
    switch (row.kind) {
      case 'ev':
        return [row.kind, event.encode(row)]
      case 'state':
        return [row.kind, state.encode(row)]
      case 'state-all':
        return [row.kind, stateAll.encode(row)]
    }
  },
}

function decodeKind(stream: string, kind: unknown, members: unknown): { row: EventsRow; extra: number } {
  switch (kind) {
    case 'ev': {
      const { row, extra } = event.decode(stream, members)
      return { row: { kind, ...row }, extra }
    }
    case 'state': {
      const { row, extra } = state.decode(stream, members)
      return { row: { kind, ...row }, extra }
    }
    case 'state-all': {
      const { row, extra } = stateAll.decode(stream, members)
      return { row: { kind, ...row }, extra }
    }
    default:
      throw new RowError(stream, 'type', 'neither ev nor state nor state-all')
  }
}
