/**
 * Connections that outlive their sockets: the nouns, their pure machines, clocks and admission.
 *
 * @packageDocumentation
 */

export type { Budget } from './budget.js'
export { cursor } from './cursor/cursor.js'
export { cursorStep } from './cursor/machine.js'
export type { Chain, Queue } from './cursor/queue.js'
export {
  type CursorEffect,
  type CursorEvent,
  type CursorMachine,
  type CursorRules,
  idleCursor,
  type SealedEntry,
  type Verdict,
} from './cursor/state.js'
export type {
  AppliedBatch,
  Batch,
  Cursor,
  CursorOptions,
  CursorPhase,
  CursorProgress,
  Position,
  PositionStore,
  ResetWhy,
} from './cursor/types.js'
export {
  type End,
  type EndKind,
  end,
  type LinkId,
  type Millis,
  type Off,
  type Reached,
  type RetryAdvice,
} from './end.js'
export { type AdmissionOptions, admission } from './env/admission.js'
export { FaultLog } from './env/fault-log.js'
export type { NounRecord, WatchedRoster } from './env/noun-record.js'
export { SweepWheel } from './env/sweep-wheel.js'
export { systemClock } from './env/system-clock.js'
export { type SystemEnvOptions, silentLog, systemEnv } from './env/system-env.js'
export type {
  Admission,
  Clock,
  Disturbance,
  Env,
  Log,
  Mark,
  Timer,
  TraceChannel,
  WallStamp,
} from './env/types.js'
export { HoldfastError, type HoldfastErrorOptions, OptionError } from './errors.js'
export { feed } from './feed/feed.js'
export {
  type FeedReaderEffect,
  type FeedReaderEvent,
  type FeedReaderMachine,
  feedReaderStep,
  newFeedReader,
} from './feed/machine.js'
export type {
  Feed,
  FeedOptions,
  FeedPage,
  FeedReader,
  FeedTarget,
} from './feed/types.js'
export { gate } from './gate/gate.js'
export { type GateEffect, type GateEvent, type GateMachine, gateStep, openGate } from './gate/machine.js'
export type { DrainReport, Gate, Ticket } from './gate/types.js'
export type { Step } from './interpreter.js'
export { type FullJitterOptions, fullJitter } from './lifecycle/backoff.js'
export { lifecycle } from './lifecycle/lifecycle.js'
export { lifecycleStep } from './lifecycle/machine.js'
export {
  idleLifecycle,
  type LifecycleEffect,
  type LifecycleInput,
  type LifecycleMachine,
  type LifecycleRules,
} from './lifecycle/model.js'
export type {
  Backoff,
  BackoffContext,
  Lifecycle,
  LifecycleEvent,
  LifecycleOptions,
  LifecycleState,
} from './lifecycle/types.js'
export { whileReady } from './lifecycle/while-ready.js'
export { nextLinkId } from './link/link-id.js'
export type { LinkOptions } from './link/options.js'
export type {
  Accepting,
  Acceptor,
  AcceptSink,
  Dialer,
  Endpoint,
  Keepalive,
  Link,
  LinkAddress,
  LinkProtocol,
  LinkScope,
  LinkSink,
  WriteResult,
} from './link/types.js'
export { listen } from './listener/listener.js'
export { type ListenerEffect, type ListenerEvent, listenerStep, listening } from './listener/machine.js'
export type { Listener, ListenerLimits, ListenerOptions, ListenerState } from './listener/types.js'
export { emptyPool, poolDeadline, poolStep } from './pool/machine.js'
export type {
  BindingId,
  MoveTally,
  Parked,
  Place,
  PoolEffect,
  PoolEvent,
  PoolLink,
  PoolMachine,
  PoolRules,
  PoolSlot,
  ReadySlot,
  ReleaseWhy,
  RetiringSlot,
  SlotId,
} from './pool/model.js'
export { pool } from './pool/pool.js'
export type {
  Binding,
  Movability,
  MoveReport,
  Mover,
  Pool,
  PooledBinding,
  PooledLink,
  PoolOptions,
  PoolPark,
  PoolSize,
  PoolState,
} from './pool/types.js'
export { emptyRoster, rosterStep } from './roster/machine.js'
export type {
  FrozenMember,
  LiveMember,
  RosterEvent,
  RosterMachine,
  RosterRules,
  RosterTime,
} from './roster/model.js'
export { roster } from './roster/roster.js'
export type {
  ForgottenWhy,
  Member,
  Roster,
  RosterChange,
  RosterKeep,
  RosterOptions,
} from './roster/types.js'
export { type SortedKey, SortedMap } from './sorted-map.js'
export { type Store, StoreError, type StoreErrorCode } from './store.js'
