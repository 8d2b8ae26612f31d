import type {
  InspectedEvent,
  InspectedLifecycle,
  InspectedNouns,
  InspectedProcess,
  InspectorMessage,
  PhaseChange,
} from '../src/inspector/types.js'

const kinds = ['lifecycles', 'pools', 'cursors', 'rosters', 'listeners', 'feeds'] as const
const eventsKept = 5000
const changesKept = 500

type Kind = keyof InspectedNouns

/** What the page knows. */
export class Store {
  process: InspectedProcess | null = null
  /** What the process's clock is ahead of ours. */
  #ahead = 0
  #heldAt: number | null = null
  readonly #rows = new Map<Kind, Map<number, InspectedNouns[Kind][number]>>()
  /** The oldest first. */
  events: InspectedEvent[] = []
  /** Events that came too fast to be told. */
  missed = 0
  omitted = 0
  /** What has changed since somebody looked. */
  readonly changed = new Set<Kind | 'events'>()

  constructor() {
    this.#clear()
  }

  /** The present of the process, or the moment that is held. */
  get now(): number {
    return this.#heldAt ?? Date.now() + this.#ahead
  }

  /** Lets time stand still, or go on. */
  hold(isHeld: boolean): void {
    this.#heldAt = isHeld ? this.now : null
  }

  /** All rows of a kind. */
  rows<K extends Kind>(kind: K): InspectedNouns[K][number][] {
    return [...(this.#rows.get(kind)?.values() ?? [])] as InspectedNouns[K][number][]
  }

  /** One row, if it is there. */
  row<K extends Kind>(kind: K, id: number): InspectedNouns[K][number] | undefined {
    return this.#rows.get(kind)?.get(id)
  }

  count(kind: Kind): number {
    return this.#rows.get(kind)?.size ?? 0
  }

  /** Takes what the process tells. */
  apply(message: InspectorMessage): void {
    const { hello, gone, omitted, events } = message
    if (hello !== undefined) {
      this.#clear()
      this.process = hello
      this.#ahead = hello.now - Date.now()
    }
    if (omitted !== undefined) this.omitted = omitted
    for (const kind of kinds) this.#take(kind, message[kind] ?? [], message.snapshot === true)
    for (const id of gone ?? []) {
      for (const kind of kinds) if (this.#rows.get(kind)?.delete(id)) this.changed.add(kind)
    }
    if (events !== undefined) this.#hear(events)
  }

  /** All of it, for a file. */
  toJSON(): object {
    const rows = Object.fromEntries(kinds.map((kind) => [kind, this.rows(kind)]))
    const { process, omitted, missed, events } = this
    return { ...process, exportedAt: Math.round(this.now), omitted, missed, ...rows, events }
  }

  #take(kind: Kind, rows: readonly InspectedNouns[Kind][number][], isSnapshot: boolean): void {
    if (rows.length === 0) return
    this.changed.add(kind)
    const known = this.#rows.get(kind)
    for (const row of rows) {
      const before = known?.get(row.id)
      const isOne = 'history' in row && !isSnapshot && before !== undefined && 'history' in before
      known?.set(row.id, isOne ? withHistory(row, before) : row)
    }
  }

  #hear(events: readonly InspectedEvent[]): void {
    this.changed.add('events')
    for (const event of events) {
      const last = this.events.at(-1)?.seq ?? event.seq - 1
      if (event.seq <= last) continue
      this.missed += event.seq - last - 1
      this.events.push(event)
    }
    if (this.events.length > eventsKept * 1.2) this.events = this.events.slice(-eventsKept)
  }

  #clear(): void {
    for (const kind of kinds) {
      this.#rows.set(kind, new Map())
      this.changed.add(kind)
    }
    this.events = []
    this.missed = 0
    this.omitted = 0
    this.changed.add('events')
  }
}

/** What is told of a history is its end. */
function withHistory(row: InspectedLifecycle, before: InspectedLifecycle): InspectedLifecycle {
  const fresh = Math.min(row.moves - before.moves, row.history.length)
  if (fresh === 0) return { ...row, history: before.history }
  const history: PhaseChange[] = [...before.history, ...row.history.slice(-fresh)]
  return { ...row, history: history.length > changesKept ? history.slice(-changesKept) : history }
}
