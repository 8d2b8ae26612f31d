/**
 * Matrix Synapse's TCP replication: server, client and relay that resume from a token.
 *
 * @packageDocumentation
 */

export { type ReplicationClient, replicationClient, type StreamProgress } from './client/client.js'
export type {
  ClientProblem,
  FollowedStream,
  ReceivedBatch,
  ReplicationClientOptions,
} from './client/options.js'
export type { ClientStats } from './client/stats.js'
export {
  type HttpStreamUpdatesOptions,
  httpStreamUpdates,
  type StreamUpdates,
  type UpdatesPage,
} from './client/stream-updates.js'
export type { CommandResult } from './client/upstream-queue.js'
export { registerClientMetrics } from './metrics/client-metrics.js'
export { registerServerMetrics } from './metrics/server-metrics.js'
export { type ReplicationRelay, type ReplicationRelayOptions, replicationRelay } from './relay/relay.js'
export type { SlowReaderLimits } from './server/context.js'
export {
  type ConnectionInfo,
  type ReplicationServer,
  type ReplicationServerOptions,
  replicationServer,
} from './server/server.js'
export type { ServerStats } from './server/stats.js'
export type { StreamLag } from './server/subscription.js'
export { type StreamUpdatesHandlerOptions, streamUpdatesHandler } from './server/updates-handler.js'
export type { ClientIdentity, UpstreamHandlers } from './server/upstream.js'
export { AppendLog, type AppendLogOptions } from './source/append-log.js'
export type { AppendLogTransaction, AppendOptions } from './source/append-log-transaction.js'
export { TokenOrderError, UnknownStreamError } from './source/errors.js'
export { type MemorySource, type MemorySourceOptions, memorySource } from './source/memory-source.js'
export type { Retention } from './source/retention.js'
export type { ReplicationSource, RowBatch, SourceEvent, SourcePage } from './source/types.js'
export { type CacheInvalidation, expandCacheRow } from './streams/cache-invalidation.js'
export {
  decodeRow,
  decodeRowValue,
  encodeRow,
  isKnownStream,
  type KnownRow,
  type RowReading,
} from './streams/decode-row.js'
export type { Edu, FederationPresence, FederationRow } from './streams/federation-rows.js'
export {
  type RegisteredStream,
  registeredStreams,
  type StreamName,
  type StreamRows,
} from './streams/registry.js'
export { RowError } from './streams/row-error.js'
export type {
  AccountDataRow,
  BackfillRow,
  CachesRow,
  DeviceListsRow,
  EventRow,
  EventsRow,
  GroupsRow,
  JsonObject,
  PresenceFederationRow,
  PresenceRow,
  ProfileUpdatesRow,
  PublicRoomsRow,
  PushersRow,
  QuarantinedMediaRow,
  ReceiptsRow,
  StateAllRow,
  StateRow,
  StickyEventsRow,
  TagAccountDataRow,
  ThreadSubscriptionsRow,
  ToDeviceRow,
  TypingRow,
  UnPartialStatedEventRow,
  UnPartialStatedRoomRow,
  UserRow,
} from './streams/rows.js'
export { batchUpdates, sortByToken, type Update } from './wire/batching.js'
export type {
  ClearUserSyncCommand,
  Command,
  Dialect,
  FederationAckCommand,
  InvalidateCacheCommand,
  KnownCommand,
  PositionCommand,
  RdataCommand,
  RemovePusherCommand,
  ReplicateAllCommand,
  ReplicateCommand,
  Side,
  TextCommand,
  Token,
  UnknownCommand,
  UserIpCommand,
  UserSyncCommand,
} from './wire/commands.js'
export { describeCommand } from './wire/describe-command.js'
export { dialectOf } from './wire/dialect.js'
export { OversizeLineError, ProtocolError, type ProtocolErrorCode, UnsendableError } from './wire/errors.js'
export { encodeCommand, encodeInstanceRdata, encodeRdata, formatCommand } from './wire/format-command.js'
export { encodeJson } from './wire/json.js'
export { type DecodedLines, LineDecoder, maxLineBytes } from './wire/line-decoder.js'
export { type ParseOptions, parseCommand } from './wire/parse-command.js'
