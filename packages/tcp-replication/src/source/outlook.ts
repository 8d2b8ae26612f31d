import { TokenOrderError } from './errors.js'
import { joined } from './row-batches.js'
import type { StreamRecord } from './stream-record.js'
import type { RowBatch, SourceEvent } from './types.js'

/** Staged rows that are remembered, so that whoever follows the head need not read them: at most this many characters. */
const rememberedChars = 65_536
const rememberedBatches = 256

/** Where a stream will stand once everything that was asked of it so far is written. */
export interface Outlook {
  readonly stream: string
  readonly first: number
  readonly head: number
  readonly top: number
  /** What is staged; `null` when that is too much to remember. */
  readonly staged: readonly RowBatch[] | null
}

/** One thing to write. */
export type Operation =
  | {
      readonly kind: 'put'
      readonly stream: string
      readonly batches: readonly RowBatch[]
      readonly joins: boolean
    }
  | { readonly kind: 'move'; readonly stream: string; readonly to: Bounds; readonly event?: SourceEvent }

/** The members of a record that are moved, not counted. */
type Bounds = Partial<Pick<StreamRecord, 'first' | 'head' | 'top' | 'voidAbove' | 'voidUpTo'>>

/** What follows from one request. */
export interface Plan {
  readonly outlook: Outlook
  readonly operations: readonly Operation[]
}

/** The outlook when nothing is waiting to be written. */
export function outlookOf(stream: string, { first, head, top }: StreamRecord): Outlook {
  return { stream, first, head, top, staged: top > head ? null : [] }
}

/** A batch that is visible at once. */
export function planAppend(outlook: Outlook, batch: RowBatch): Plan {
  const { stream, head, top } = outlook
  const { token } = batch
  if (token <= head) throw new TokenOrderError(stream, token, `above the head, ${head}`)
  if (top > head) throw new TokenOrderError(stream, token, `staged too, while rows up to ${top} are`)
  const event: SourceEvent = { kind: 'appended', stream, from: head, to: token, batches: [batch] }
  return {
    outlook: { ...outlook, head: token, top: token },
    operations: [
      { kind: 'put', stream, batches: [batch], joins: false },
      { kind: 'move', stream, to: { head: token, top: token }, event },
    ],
  }
}

/** Batches above the head that are not visible yet. */
export function planStage(outlook: Outlook, batches: readonly RowBatch[]): Plan {
  const { stream, head } = outlook
  const [lowest] = batches
  if (lowest === undefined) return unchanged(outlook)
  if (lowest.token <= head) throw new TokenOrderError(stream, lowest.token, `above the head, ${head}`)
  const top = Math.max(outlook.top, batches.at(-1)?.token ?? head)
  return {
    outlook: { ...outlook, top, staged: outlook.staged && remembered([...outlook.staged, ...batches]) },
    operations: [
      { kind: 'put', stream, batches, joins: true },
      { kind: 'move', stream, to: { top } },
    ],
  }
}

/** The head moves up, and with it staged rows become visible. */
export function planAdvance(outlook: Outlook, to: number): Plan {
  const { stream, head: from, staged } = outlook
  if (to < from)
    throw new TokenOrderError(stream, to, `the head, ${from}, or above it; reset() moves it down`)
  if (to === from) return unchanged(outlook)
  const batches = staged?.filter(({ token }) => token <= to)
  const event: SourceEvent = { kind: 'appended', stream, from, to, ...(batches && { batches }) }
  const rest = outlook.top <= to ? [] : (staged?.filter(({ token }) => token > to) ?? null)
  const top = topOf(rest, to, outlook.top)
  return {
    outlook: { ...outlook, head: to, top, staged: rest },
    operations: [{ kind: 'move', stream, to: { head: to, top }, event }],
  }
}

/** Staged rows above a token go. */
export function planDropAbove(outlook: Outlook, token: number): Plan {
  const { stream, head, top, staged } = outlook
  if (token < head)
    throw new TokenOrderError(stream, token, `the head, ${head}, or above it; reset() drops what is below`)
  if (token >= top) return unchanged(outlook)
  const rest = token === head ? [] : (staged?.filter((batch) => batch.token <= token) ?? null)
  const newTop = topOf(rest, head, token)
  return {
    outlook: { ...outlook, top: newTop, staged: rest },
    operations: [{ kind: 'move', stream, to: { top: newTop, voidAbove: token } }],
  }
}

/** The stream starts over at a position. */
export function planReset(outlook: Outlook, to: number): Plan {
  const { stream, head } = outlook
  if (to === head) return planDropAbove(outlook, to)
  const ends = { head: to, top: to, voidAbove: to }
  const moved: Bounds = to > head ? { ...ends, first: to, voidUpTo: to } : ends
  return {
    outlook: { stream, first: moved.first ?? Math.min(outlook.first, to), head: to, top: to, staged: [] },
    operations: [{ kind: 'move', stream, to: moved, event: { kind: 'reset', stream, to } }],
  }
}

/** Older rows than any that are held. */
export function planPrepend(outlook: Outlook, batches: readonly RowBatch[], from: number): Plan {
  const { stream, first } = outlook
  if (from >= first) throw new TokenOrderError(stream, from, `below the first position held, ${first}`)
  for (const { token } of batches) {
    if (token <= from || token > first)
      throw new TokenOrderError(stream, token, `above ${from}, up to ${first}`)
  }
  return {
    outlook: { ...outlook, first: from },
    operations: [
      { kind: 'put', stream, batches, joins: false },
      { kind: 'move', stream, to: { first: from } },
    ],
  }
}

/** The newest token stored; `atMost` where the staged batches are too many to know. */
function topOf(staged: readonly RowBatch[] | null, head: number, atMost: number): number {
  return staged === null ? atMost : (staged.at(-1)?.token ?? head)
}

function unchanged(outlook: Outlook): Plan {
  return { outlook, operations: [] }
}

function remembered(batches: readonly RowBatch[]): RowBatch[] | null {
  if (batches.length > rememberedBatches) return null
  let chars = 0
  for (const { rows } of batches) for (const row of rows) chars += row.length
  return chars > rememberedChars ? null : joined(batches)
}
