import type { CursorPhase, LifecycleState, ListenerState, PooledBinding, PoolState } from '../index.js'

/** Civil time in milliseconds since the Unix epoch, as the inspector's clock has it. */
export type WallMillis = number

/** Why something ended, as far as it is for other eyes. */
export interface InspectedEnd {
  readonly kind: string
  /** What follows from it for the next dial. */
  readonly advice?: string
  readonly code?: string | number
  /** A sentence for people. */
  readonly detail?: string
}

/** A phase of a lifecycle and when it began. */
export type PhaseChange = readonly [at: WallMillis, phase: LifecycleState['phase']]

/** A lifecycle, and how it got where it is. */
export interface InspectedLifecycle {
  readonly id: number
  /** Of its `Env`. */
  readonly name: string
  readonly phase: LifecycleState['phase']
  readonly since: WallMillis
  /** Ends since a link was last stable. */
  readonly attempt?: number
  readonly retryAt?: WallMillis
  readonly link?: number
  /** Where it dials, without credentials and query. */
  readonly endpoint?: string
  readonly stable?: boolean
  readonly inFlight?: number
  readonly why?: InspectedEnd
  /** How often its phase has changed. */
  readonly moves: number
  /** The latest changes, 32 at most. */
  readonly history: readonly PhaseChange[]
}

/** A pool with its links and those who are on them. */
export interface InspectedPool extends PoolState {
  readonly id: number
  readonly name: string
  /** How many bindings there are. */
  readonly bound: number
  /** The first 240 of them. */
  readonly bindings: readonly PooledBinding[]
}

/** A position as JSON has it: numbers as they are, everything else as text. */
export type InspectedPosition = number | string | null

/** A cursor: `durable` ≤ `applied` ≤ `received`. */
export interface InspectedCursor {
  readonly id: number
  readonly name: string
  readonly key: string
  readonly phase: CursorPhase
  readonly received: InspectedPosition
  readonly applied: InspectedPosition
  readonly durable: InspectedPosition
  /** How far `applied` is behind `received`; `null` where positions are no numbers. */
  readonly lag: number | null
  /** Whether something was received and not applied. */
  readonly isBehind: boolean
}

/** A member of a roster, without its value. */
export interface InspectedMember {
  readonly key: string
  /** Present while it is frozen. */
  readonly frozen?: { readonly since: WallMillis; readonly why: string }
}

/** A roster and who is live or frozen. */
export interface InspectedRoster {
  readonly id: number
  readonly name: string
  readonly live: number
  readonly frozen: number
  /** The first 200 live ones and the first 200 frozen ones. */
  readonly members: readonly InspectedMember[]
}

/** A listener. */
export interface InspectedListener extends ListenerState {
  readonly id: number
  readonly name: string
  /** What it is bound to. */
  readonly endpoint: string
}

/** A feed. */
export interface InspectedFeed {
  readonly id: number
  readonly name: string
  readonly readers: number
}

/** Something that happened, as a trace channel told it. */
export interface InspectedEvent {
  /** Counts up by one from 1. */
  readonly seq: number
  readonly at: WallMillis
  readonly channel: string
  readonly kind: string
  /** Whom it happened to. */
  readonly name: string
  readonly link?: number
  readonly from?: string
  readonly to?: string
  readonly why?: InspectedEnd
  /** What else there is to say, for people. */
  readonly note?: string
}

/** All nouns of one kind after the other; a message to the page has some of them. */
export interface InspectedNouns {
  readonly lifecycles: readonly InspectedLifecycle[]
  readonly pools: readonly InspectedPool[]
  readonly cursors: readonly InspectedCursor[]
  readonly rosters: readonly InspectedRoster[]
  readonly listeners: readonly InspectedListener[]
  readonly feeds: readonly InspectedFeed[]
}

/** Which process is looked at. */
export interface InspectedProcess {
  readonly program: string
  readonly pid: number
  /** Version of Node.js. */
  readonly node: string
  readonly now: WallMillis
}

/** What `GET /state` answers. */
export interface InspectorState extends InspectedProcess, InspectedNouns {
  /** Nouns that there was no room for. */
  readonly omitted: number
  /** The latest 2000. */
  readonly events: readonly InspectedEvent[]
}

/** A message to the page; rows take the place of those with the same id, but histories and events go on. */
export interface InspectorMessage extends Partial<InspectedNouns> {
  /** First of all, and again after a reconnect: what was known before is void. */
  readonly hello?: InspectedProcess
  /** Lifecycles have their whole histories here; elsewhere only what is new of them. */
  readonly snapshot?: true
  /** Everything that there was at the time of `hello` has been sent. */
  readonly complete?: true
  readonly gone?: readonly number[]
  readonly omitted?: number
  readonly events?: readonly InspectedEvent[]
}
