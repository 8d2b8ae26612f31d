import { z } from 'zod'
import { backfillCodec, eventsCodec } from './event-codec.js'
import { federationCodec } from './federation-codec.js'
import type { StreamName, StreamRows } from './registry.js'
import { flag, jsonObject, jsonText, positional, present, type RowCodec } from './row-codec.js'
import type {
  AccountDataRow,
  CachesRow,
  DeviceListsRow,
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

const text = z.string()
const optionalText = text.nullable()
const number = z.number()

const user = positional<UserRow>(z.object({ userId: text }), ['userId'])

/** How the rows of each stream are read and written (9.2, 14.1). */
export const rowCodecs: { readonly [Name in StreamName]: RowCodec<StreamRows[Name]> } = {
  events: eventsCodec,
  backfill: backfillCodec,
  presence: positional<PresenceRow>(
    z.object({
      userId: text,
      state: text,
      lastActiveTs: number,
      lastFederationUpdateTs: number,
      lastUserSyncTs: number,
      statusMsg: optionalText,
      currentlyActive: flag,
    }),
    [
      'userId',
      'state',
      'lastActiveTs',
      'lastFederationUpdateTs',
      'lastUserSyncTs',
      'statusMsg',
      'currentlyActive',
    ],
  ),
  typing: positional<TypingRow>(z.object({ roomId: text, userIds: z.array(text) }), ['roomId', 'userIds']),
  receipts: positional<ReceiptsRow>(
    z.object({
      roomId: text,
      receiptType: text,
      userId: text,
      eventId: text,
      threadId: optionalText.exactOptional(),
      data: jsonObject,
    }),
    ['roomId', 'receiptType', 'userId', 'eventId', 'data'],
    ['roomId', 'receiptType', 'userId', 'eventId', 'threadId', 'data'],
  ),
  push_rules: user,
  pushers: positional<PushersRow>(z.object({ userId: text, appId: text, pushkey: text, deleted: flag }), [
    'userId',
    'appId',
    'pushkey',
    'deleted',
  ]),
  caches: positional<CachesRow>(
    z.object({ cacheFunc: text, keys: z.array(text).nullable(), invalidationTs: number }),
    ['cacheFunc', 'keys', 'invalidationTs'],
  ),
  public_rooms: positional<PublicRoomsRow>(
    z.object({ roomId: text, visibility: flag, appserviceId: optionalText, networkId: optionalText }),
    ['roomId', 'visibility', 'appserviceId', 'networkId'],
  ),
  device_lists: positional<DeviceListsRow>(
    z.object({
      entity: text,
      destination: optionalText.exactOptional(),
      isSignature: flag.exactOptional(),
      hostsCalculated: flag.exactOptional(),
    }),
    ['entity'],
    ['entity', 'destination'],
    ['entity', 'isSignature'],
    ['entity', 'isSignature', 'hostsCalculated'],
  ),
  to_device: positional<ToDeviceRow>(z.object({ entity: text }), ['entity']),
  federation: federationCodec,
  tag_account_data: positional<TagAccountDataRow>(
    z.object({ userId: text, roomId: text, data: jsonText(jsonObject) }),
    ['userId', 'roomId', 'data'],
  ),
  account_data: positional<AccountDataRow>(
    z.object({
      userId: text,
      roomId: optionalText,
      dataType: text,
      data: jsonText(present).exactOptional(),
    }),
    ['userId', 'roomId', 'dataType'],
    ['userId', 'roomId', 'dataType', 'data'],
  ),
  groups: positional<GroupsRow>(z.object({ groupId: text, userId: text, type: text, content: jsonObject }), [
    'groupId',
    'userId',
    'type',
    'content',
  ]),
  user_signature: user,
  presence_federation: positional<PresenceFederationRow>(z.object({ destination: text, userId: text }), [
    'destination',
    'userId',
  ]),
  un_partial_stated_room: positional<UnPartialStatedRoomRow>(z.object({ roomId: text }), ['roomId']),
  un_partial_stated_event: positional<UnPartialStatedEventRow>(
    z.object({ eventId: text, rejectionStatusChanged: flag }),
    ['eventId', 'rejectionStatusChanged'],
  ),
  thread_subscriptions: positional<ThreadSubscriptionsRow>(
    z.object({ userId: text, roomId: text, eventId: text }),
    ['userId', 'roomId', 'eventId'],
  ),
  sticky_events: positional<StickyEventsRow>(z.object({ roomId: text, eventId: text }), [
    'roomId',
    'eventId',
  ]),
  quarantined_media: positional<QuarantinedMediaRow>(
    z.object({ origin: optionalText, mediaId: text, quarantined: flag }),
    ['origin', 'mediaId', 'quarantined'],
  ),
  profile_updates: positional<ProfileUpdatesRow>(
    z.object({ userId: text, action: text, affectedFields: z.array(text).nullable() }),
    ['userId', 'action', 'affectedFields'],
  ),
}
