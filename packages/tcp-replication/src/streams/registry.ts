import type { Dialect } from '../wire/commands.js'
import type { FederationRow } from './federation-rows.js'
import type {
  AccountDataRow,
  BackfillRow,
  CachesRow,
  DeviceListsRow,
  EventsRow,
  GroupsRow,
  PresenceFederationRow,
  PresenceRow,
  ProfileUpdatesRow,
  PublicRoomsRow,
  PushersRow,
  QuarantinedMediaRow,
  ReceiptsRow,
  StickyEventsRow,
  TagAccountDataRow,
  ThreadSubscriptionsRow,
  ToDeviceRow,
  TypingRow,
  UnPartialStatedEventRow,
  UnPartialStatedRoomRow,
  UserRow,
} from './rows.js'

/** What the rows of each stream are. */
export interface StreamRows {
  readonly events: EventsRow
  readonly backfill: BackfillRow
  readonly presence: PresenceRow
  readonly typing: TypingRow
  readonly receipts: ReceiptsRow
  readonly push_rules: UserRow
  readonly pushers: PushersRow
  readonly caches: CachesRow
  readonly public_rooms: PublicRoomsRow
  readonly device_lists: DeviceListsRow
  readonly to_device: ToDeviceRow
  readonly federation: FederationRow
  readonly tag_account_data: TagAccountDataRow
  readonly account_data: AccountDataRow
  readonly groups: GroupsRow
  readonly user_signature: UserRow
  readonly presence_federation: PresenceFederationRow
  readonly un_partial_stated_room: UnPartialStatedRoomRow
  readonly un_partial_stated_event: UnPartialStatedEventRow
  readonly thread_subscriptions: ThreadSubscriptionsRow
  readonly sticky_events: StickyEventsRow
  readonly quarantined_media: QuarantinedMediaRow
  readonly profile_updates: ProfileUpdatesRow
}

/** A stream whose rows are known. */
export type StreamName = keyof StreamRows

/** A stream of Synapse v1.4, as its registry has it. */
export interface RegisteredStream {
  readonly name: StreamName
  /** Synapse gives up a catch-up of 10000 rows or more on it (7.2); Holdfast does not. */
  readonly limited: boolean
}

/** The streams of Synapse v1.4 in the order in which it serves them (9.1). */
export const registeredStreams: readonly RegisteredStream[] = [
  { name: 'events', limited: true },
  { name: 'backfill', limited: true },
  { name: 'presence', limited: false },
  { name: 'typing', limited: false },
  { name: 'receipts', limited: true },
  { name: 'push_rules', limited: true },
  { name: 'pushers', limited: true },
  { name: 'caches', limited: true },
  { name: 'public_rooms', limited: true },
  { name: 'device_lists', limited: false },
  { name: 'to_device', limited: true },
  { name: 'federation', limited: true },
  { name: 'tag_account_data', limited: true },
  { name: 'account_data', limited: true },
  { name: 'groups', limited: true },
]

/** The streams of Synapse v1.66, the last with direct TCP, in the order in which it announces them. */
const laterStreams: readonly StreamName[] = [
  'events',
  'backfill',
  'presence',
  'presence_federation',
  'typing',
  'receipts',
  'push_rules',
  'pushers',
  'caches',
  'device_lists',
  'to_device',
  'federation',
  'tag_account_data',
  'account_data',
  'user_signature',
]

/** Streams that came after v1.66, and that are therefore there over Redis alone. */
const newestStreams: readonly StreamName[] = [
  'profile_updates',
  'sticky_events',
  'thread_subscriptions',
  'un_partial_stated_room',
  'un_partial_stated_event',
  'quarantined_media',
]

/** What is served and followed where nobody says which streams: those of v1.4 in D1, of v1.66 in D2. */
export function usualStreams(dialect: Dialect): readonly StreamName[] {
  return dialect === 'D1' ? registeredStreams.map(({ name }) => name) : laterStreams
}

/** What is followed over Redis where nobody says which streams: those of v1.13 to v1.163. */
export function streamsOverRedis(): readonly StreamName[] {
  return [...laterStreams, ...newestStreams]
}
