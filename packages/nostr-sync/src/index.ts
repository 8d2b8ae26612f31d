/**
 * Mirrors Nostr relays that come and go, and loses no event over it (GRASP-02 proactive sync).
 *
 * @packageDocumentation
 */

export {
  authorisedAuthors,
  type GraspPolicyOptions,
  graspPolicy,
  type RepositoryRule,
} from './admission/grasp-policy.js'
export { openPolicy } from './admission/open-policy.js'
export {
  type RejectedCounts,
  type RejectedEntry,
  RejectedEvents,
  type RejectedEventsOptions,
  type RejectedType,
  rejectedTypes,
} from './admission/rejected-events.js'
export type { Admission, AdmissionPolicy, AdmissionView, RejectReason } from './admission/types.js'
export { EndpointStats } from './endpoint/endpoint-stats.js'
export { relayEndpoint } from './endpoint/relay-endpoint.js'
export { relayInfoHandler } from './endpoint/relay-info-handler.js'
export type {
  EndpointAuth,
  EndpointLimits,
  RelayEndpoint,
  RelayEndpointOptions,
} from './endpoint/types.js'
export { IntakeError } from './intake/errors.js'
export { EventCounts, type EventResult } from './intake/event-counts.js'
export type { EventSource } from './intake/event-source.js'
export type { HeldEventsOptions } from './intake/held-events.js'
export { type EventIntakeOptions, eventIntake } from './intake/intake.js'
export { LinkIntake } from './intake/link-intake.js'
export type { Intake, IntakeOutcome } from './intake/types.js'
export { type NostrMirror, type NostrMirrorOptions, nostrMirror } from './manager/nostr-mirror.js'
export {
  readSavedState,
  type SavedRejection,
  type SavedRelay,
  type SavedState,
} from './manager/saved-state.js'
export type { CaughtUp, MirrorState, RelayStatus } from './manager/status.js'
export { SyncManager, type SyncManagerParts } from './manager/sync-manager.js'
export { defaultSyncOptions, type SyncOptions } from './manager/sync-options.js'
export { registerMirrorMetrics } from './metrics/mirror-metrics.js'
export { type RelayMetricsSources, registerRelayMetrics } from './metrics/relay-metrics.js'
export { registerTimings, type Timings } from './metrics/timings.js'
export { type RelayParts, relayOptions } from './relay/default-options.js'
export { RelayTargetError } from './relay/errors.js'
export {
  type HealthMemory,
  type HealthParts,
  HealthTracker,
  type RelayFault,
} from './relay/health-tracker.js'
export type { HistoricSync } from './relay/historic-batches.js'
export type { ExchangeOutcome } from './relay/negentropy-exchange.js'
export { compareOnce, type Difference, fetchOnce, type OneShot } from './relay/one-shot.js'
export { type CapabilityMemory, type CapabilityParts, RelayCapabilities } from './relay/relay-capabilities.js'
export { RelayConnection, type RelayHost } from './relay/relay-connection.js'
export { RelayCounter, type RelayCounts } from './relay/relay-counter.js'
export { type FetchRelayInfo, httpRelayInfo } from './relay/relay-document.js'
export type { RelayOptions } from './relay/relay-options.js'
export type { RelayRecord } from './relay/relay-record.js'
export { RelaySession } from './relay/relay-session.js'
export { type RelayTarget, type ResolveHost, relayTarget, systemResolve } from './relay/relay-target.js'
export type { SessionOwner } from './relay/session-owner.js'
export { type EventSigner, keySigner } from './relay/signer.js'
export { type JsonLinesSinkOptions, jsonLinesSink } from './sink/json-lines-sink.js'
export { type PushOptions, pushOnce } from './sink/push-once.js'
export { type RelaySink, type RelaySinkOptions, relaySink } from './sink/relay-sink.js'
export type { EventSink, SinkStats } from './sink/types.js'
export { type LmdbStoreOptions, openLmdbStore } from './store/lmdb-store.js'
export { memoryStore } from './store/memory-store.js'
export type {
  EventPage,
  EventPlace,
  EventStore,
  ItemsOptions,
  PutOutcome,
  QueryLimits,
  StoreChange,
} from './store/types.js'
export { isIdle, type RelayUse, shouldForget } from './sync/check-disconnects.js'
export {
  type AddFilters,
  type ConnectionStatus,
  computeActions,
  type RelayProgress,
} from './sync/compute-actions.js'
export {
  capAfterComplaint,
  consolidationThreshold,
  HistoricQueue,
  historicRoom,
  needsConsolidation,
  waitAfterComplaint,
  waitAfterStall,
} from './sync/consolidation.js'
export {
  countItems,
  intersectItems,
  type SyncItems,
  subtractItems,
  syncItems,
  uniteItems,
} from './sync/items.js'
export {
  announcementFilters,
  filtersSince,
  fitFilter,
  type LayerFilterOptions,
  layerFilters,
  liveFilters,
  liveRequests,
  narrowFilter,
  type RequestOptions,
  recentFilters,
} from './sync/layer-filters.js'
export {
  type FetchOutcome,
  IdFetch,
  mayTryNegentropy,
  type NegentropyRefused,
  negentropyFrameLimit,
  requestBytes,
  splitByTime,
} from './sync/negentropy-plan.js'
export {
  firstPage,
  type IdList,
  type PageOutcome,
  type PageState,
  type PagingOptions,
  pageEnd,
  pageEvent,
  passWall,
  type WallPlan,
} from './sync/paging.js'
export {
  type BatchEnd,
  type BatchPurpose,
  type PendingBatch,
  PendingBatches,
  type SyncMethod,
} from './sync/pending-batches.js'
export {
  adviseRelay,
  type FaultCategory,
  faultCategories,
  persistentFault,
  persistentFaultMs,
} from './sync/persistent-fault.js'
export { isRateLimited, type RateLimit, type RateLimitOptions, rateLimitHit } from './sync/rate-limit.js'
export { delayAfter, type RelayBackoffOptions, relayBackoff } from './sync/relay-backoff.js'
export {
  afterFailure,
  afterSuccess,
  type HealthRecord,
  healthValues,
  type RelayHealth,
  relayHealth,
} from './sync/relay-health.js'
export {
  deriveRelayTargets,
  RepoIndex,
  type RepoIndexOptions,
  type RepoNeeds,
  type SyncLevel,
} from './sync/repo-index.js'
export {
  chooseStrategy,
  type ResumeState,
  type Strategy,
  type StrategyOptions,
  type StrategyStep,
  strategySteps,
} from './sync/strategy.js'
export { forgedTolerance, Strikes } from './sync/strikes.js'
export { type SyncEndState, syncEnd, waitAfterFailures } from './sync/sync-end.js'
export { VerifierError } from './verify/errors.js'
export { KnownIds } from './verify/known-ids.js'
export type { SchnorrBackend, Verdict, Verifier } from './verify/types.js'
export { startVerifier, type VerifierOptions } from './verify/verifier.js'
export {
  type Address,
  addressOf,
  formatAddress,
  isRepoKey,
  parseAddress,
  type RepoKey,
} from './wire/address.js'
export { type AddressClass, addressClass } from './wire/address-class.js'
export {
  type Announcement,
  type AnnouncementReading,
  listsService,
  readAnnouncement,
  relaysOf,
} from './wire/announcement.js'
export {
  type ClientLimits,
  type ClientMessage,
  formatClientMessage,
  type ReceivedClientMessage,
  readClientMessage,
} from './wire/client-message.js'
export { MessageError } from './wire/errors.js'
export {
  compareForReplacement,
  type EventLimits,
  type EventReading,
  eventId,
  type NostrEvent,
  readEvent,
  serializeEvent,
  type UnixSeconds,
} from './wire/event.js'
export {
  type Filter,
  type FilterLimits,
  type FilterReading,
  filterMatcher,
  matchesFilter,
  normalizeFilter,
  readFilter,
} from './wire/filter.js'
export type { FrameLimits } from './wire/frame.js'
export { IdSet } from './wire/id-set.js'
export { isRootKind, type KindClass, kindClass, kinds } from './wire/kinds.js'
export { NegentropyBuilder, negentropyItems } from './wire/negentropy/builder.js'
export { NegentropyError } from './wire/negentropy/errors.js'
export { negentropyFromHex, negentropyToHex } from './wire/negentropy/hex.js'
export { type ItemEdit, NegentropyItems } from './wire/negentropy/items.js'
export type { Bound } from './wire/negentropy/message.js'
export {
  NegentropyInitiator,
  NegentropyResponder,
  type ReconciliationOptions,
} from './wire/negentropy/reconciliation.js'
export {
  type ClosedMeaning,
  closedMeaning,
  type LoadComplaint,
  loadComplaint,
  type NegentropyRefusal,
  negentropyRefusal,
  type RefusalPrefix,
  refusalPrefix,
  refusalPrefixes,
  refusesNegentropy,
} from './wire/refusal.js'
export {
  formatRelayInfo,
  maxRelayInfoBytes,
  type RelayInfo,
  type RelayLimitation,
  readRelayInfo,
} from './wire/relay-info.js'
export { type ListedRelay, readRelayList } from './wire/relay-list.js'
export {
  formatRelayMessage,
  type ReceivedRelayMessage,
  type RelayMessage,
  readRelayMessage,
} from './wire/relay-message.js'
export {
  cloneUrlToRelayUrl,
  isOwnRelay,
  normalizeRelayUrl,
  type RelayUrl,
  serviceHost,
} from './wire/relay-url.js'
export { indexedTags, isProtected, type References, referencesOf, tagValue, tagValues } from './wire/tags.js'
