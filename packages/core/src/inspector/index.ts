/**
 * A page that shows what a running program is doing: its lifecycles, pools, cursors and rosters, and what happened to
 * them. Needs Node.js and nothing else.
 *
 * @packageDocumentation
 */

export {
  type Inspector,
  type InspectorMetrics,
  type InspectorOptions,
  serveInspector,
} from './inspector.js'
export type {
  InspectedCursor,
  InspectedEnd,
  InspectedEvent,
  InspectedFeed,
  InspectedLifecycle,
  InspectedListener,
  InspectedMember,
  InspectedNouns,
  InspectedPool,
  InspectedPosition,
  InspectedProcess,
  InspectedRoster,
  InspectorState,
  PhaseChange,
  WallMillis,
} from './types.js'
