import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { TraceChannel } from '../index.js'
import { tidyEnd, tidyPosition, tidyText } from './tidy.js'
import type { InspectedEvent, WallMillis } from './types.js'

const channels: readonly Exclude<TraceChannel, 'noun'>[] = [
  'link',
  'lifecycle',
  'move',
  'drain',
  'cursor',
  'roster',
]

/** How many events are kept. */
const eventsKept = 2000

/** The latest of what the trace channels of this process told, since it was made. */
export class Timeline implements Disposable {
  readonly #wall: () => WallMillis
  /** A ring: the event `seq` is at `seq % eventsKept`. */
  readonly #ring: InspectedEvent[] = []
  #last = 0
  readonly #hear = (message: unknown, channel: string | symbol): void => {
    this.#last += 1
    const event = eventOf(String(channel).slice('holdfast:'.length), message as TraceRecord)
    this.#ring[this.#last % eventsKept] = { seq: this.#last, at: this.#wall(), ...event }
  }

  constructor(wall: () => WallMillis) {
    this.#wall = wall
    for (const channel of channels) subscribe(`holdfast:${channel}`, this.#hear)
  }

  /** The number of the latest event; 0 before the first. */
  get last(): number {
    return this.#last
  }

  /** What came after an event, in order; no more than the latest `most`. */
  after(seq: number, most: number = eventsKept): InspectedEvent[] {
    const events: InspectedEvent[] = []
    const kept = Math.min(most, eventsKept)
    for (let next = Math.max(seq, this.#last - kept) + 1; next <= this.#last; next += 1) {
      const event = this.#ring[next % eventsKept]
      if (event !== undefined) events.push(event)
    }
    return events
  }

  [Symbol.dispose](): void {
    for (const channel of channels) unsubscribe(`holdfast:${channel}`, this.#hear)
  }
}

/** What records of the channels may have. */
interface TraceRecord {
  readonly kind?: unknown
  readonly name?: unknown
  readonly owner?: unknown
  readonly link?: unknown
  readonly from?: unknown
  readonly to?: unknown
  readonly why?: unknown
  readonly key?: unknown
  readonly err?: unknown
  readonly frozenFor?: unknown
  readonly moved?: unknown
  readonly parked?: unknown
  readonly cut?: unknown
  readonly bindings?: unknown
}

/** Takes what is known to be fit for other eyes, and nothing else. */
function eventOf(channel: string, record: TraceRecord): Omit<InspectedEvent, 'seq' | 'at'> {
  const { kind, name, owner, link, from, to, why } = record
  const note = noteOf(record)
  return {
    channel,
    kind: typeof kind === 'string' ? kind : 'unnamed',
    name: tidyText(textOf(name) ?? textOf(owner) ?? ''),
    ...(typeof link === 'number' && { link }),
    ...(typeof from === 'string' && { from }),
    ...(typeof to === 'string' && { to }),
    ...(typeof why === 'object' && why !== null && { why: tidyEnd(why) }),
    ...(note !== '' && { note }),
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function noteOf(record: TraceRecord): string {
  const { key, why, to, err, frozenFor, moved, parked, cut, bindings } = record
  const parts: string[] = []
  if (key !== undefined) parts.push(String(tidyPosition(key)))
  if (typeof why === 'string') parts.push(tidyText(why))
  if (typeof to === 'object' && to !== null && 'at' in to) parts.push(`at ${tidyPosition(to.at)}`)
  if (err instanceof Error) parts.push(tidyText(err.message))
  if (typeof frozenFor === 'number') parts.push(`after ${Math.round(frozenFor / 1000)} s`)
  if (typeof moved === 'number') parts.push(`${moved} moved, ${Number(parked)} parked`)
  if (Array.isArray(cut) && cut.length > 0) parts.push(`${cut.length} cut, such as ${cutOf(cut[0])}`)
  if (typeof bindings === 'number') parts.push(`${bindings} bindings`)
  return parts.join(', ')
}

function cutOf(cut: unknown): string {
  const { label, why } = cut as { readonly label?: unknown; readonly why?: { readonly code?: unknown } }
  return `${tidyText(String(label))} (${String(why?.code)})`
}
