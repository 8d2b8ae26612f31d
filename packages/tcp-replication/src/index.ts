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
