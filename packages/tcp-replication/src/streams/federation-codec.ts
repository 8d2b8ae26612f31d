import { z } from 'zod'
import type { Edu, FederationPresence, FederationRow } from './federation-rows.js'
import { array, checked, flag, jsonObject, parsed, type RowCodec } from './row-codec.js'
import { RowError } from './row-error.js'

const text = z.string()
const presence: z.ZodType<FederationPresence> = z.looseObject({
  user_id: text,
  state: text,
  last_active_ts: z.number(),
  last_federation_update_ts: z.number(),
  last_user_sync_ts: z.number(),
  status_msg: text.nullable(),
  currently_active: flag,
})
const edu: z.ZodType<Edu> = z.looseObject({
  origin: text,
  destination: text,
  edu_type: text,
  content: jsonObject,
})

type DataOf<Kind extends FederationRow['kind']> = Extract<FederationRow, { kind: Kind }>['data']

const presenceTo: z.ZodType<DataOf<'pd'>> = z.looseObject({ state: presence, dests: z.array(text) })
const keyedEdu: z.ZodType<DataOf<'k'>> = z.looseObject({ key: z.array(text), edu })
const device: z.ZodType<DataOf<'d'>> = z.looseObject({ destination: text })

/** `[kind, object]`; a kind that is not known is a value, because Synapse skips such rows one by one (9.2). */
export const federationCodec: RowCodec<FederationRow> = {
  decode(stream, value) {
    const [kind, data, ...further] = array(stream, value, 2)
    return { row: decodeKind(stream, kind, data), extra: further.length }
  },
  encode(row) {
    switch (row.kind) {
      case 'p':
        return [row.kind, checked(presence, row.data)]
      case 'pd':
        return [row.kind, checked(presenceTo, row.data)]
      case 'k':
        return [row.kind, checked(keyedEdu, row.data)]
      case 'e':
        return [row.kind, checked(edu, row.data)]
      case 'd':
        return [row.kind, checked(device, row.data)]
      case 'unknown':
        return [row.type, row.data]
    }
  },
}

function decodeKind(stream: string, kind: unknown, data: unknown): FederationRow {
  switch (kind) {
    case 'p':
      return { kind, data: parsed(stream, presence, data) }
    case 'pd':
      return { kind, data: parsed(stream, presenceTo, data) }
    case 'k':
      return { kind, data: parsed(stream, keyedEdu, data) }
    case 'e':
      return { kind, data: parsed(stream, edu, data) }
    case 'd':
      return { kind, data: parsed(stream, device, data) }
    default:
      if (typeof kind === 'string') return { kind: 'unknown', type: kind, data }
      throw new RowError(stream, 'type', 'the type is no string')
  }
}
