/** A JSON object of which only the shape is known. */
export type JsonObject = Readonly<Record<string, unknown>>

/** A new event. */
export interface EventRow {
  readonly kind: 'ev'
  readonly eventId: string
  readonly roomId: string
  readonly type: string
  /** `null` for what is not state; `''` is a state key. */
  readonly stateKey: string | null
  /** The event that this one redacts. */
  readonly redacts: string | null
  /** The event that this one relates to. */
  readonly relatesTo: string | null
  /** From v1.23: the membership that a member event sets. */
  readonly membership?: string | null
  /** From v1.23. */
  readonly rejected?: boolean
  /** From v1.64. */
  readonly outlier?: boolean
}

/** An entry of the current state of a room changed. */
export interface StateRow {
  readonly kind: 'state'
  readonly roomId: string
  readonly type: string
  readonly stateKey: string
  /** `null`: the entry was removed. */
  readonly eventId: string | null
}

/** From v1.96: so much of the state of a room changed that all of it must be read again. */
export interface StateAllRow {
  readonly kind: 'state-all'
  readonly roomId: string
}

/** A row of `events`. */
export type EventsRow = EventRow | StateRow | StateAllRow

/** A row of `backfill`: an event from the past. */
export interface BackfillRow {
  readonly eventId: string
  readonly roomId: string
  readonly type: string
  readonly stateKey: string | null
  readonly redacts: string | null
  readonly relatesTo: string | null
}

/** A row of `presence`. Times are in milliseconds since 1970, 0 is never. */
export interface PresenceRow {
  readonly userId: string
  /** `online`, `unavailable` or `offline`; other servers may know more. */
  readonly state: string
  readonly lastActiveTs: number
  readonly lastFederationUpdateTs: number
  readonly lastUserSyncTs: number
  readonly statusMsg: string | null
  readonly currentlyActive: boolean
}

/** A row of `typing`: everybody who types in the room now. */
export interface TypingRow {
  readonly roomId: string
  readonly userIds: readonly string[]
}

/** A row of `receipts`. */
export interface ReceiptsRow {
  readonly roomId: string
  readonly receiptType: string
  readonly userId: string
  readonly eventId: string
  /** From v1.69; `null` for a receipt that belongs to no thread. */
  readonly threadId?: string | null
  readonly data: JsonObject
}

/** A row of `push_rules` or `user_signature`: what changed belongs to this user. */
export interface UserRow {
  readonly userId: string
}

/** A row of `pushers`. */
export interface PushersRow {
  readonly userId: string
  readonly appId: string
  readonly pushkey: string
  readonly deleted: boolean
}

/** A row of `caches`; see `expandCacheRow` for names that stand for several caches. */
export interface CachesRow {
  readonly cacheFunc: string
  /** `null`, from v1.9: the whole cache. */
  readonly keys: readonly string[] | null
  /** In milliseconds since 1970. */
  readonly invalidationTs: number
}

/** A row of `public_rooms`, which ends with v1.41. */
export interface PublicRoomsRow {
  readonly roomId: string
  readonly visibility: boolean
  readonly appserviceId: string | null
  readonly networkId: string | null
}

/** A row of `device_lists`: devices of a user changed, or a server must be told. */
export interface DeviceListsRow {
  /** A user; from v1.13 to v1.75 also a server. */
  readonly entity: string
  /** Until v1.12: the server to tell, `null` for none. */
  readonly destination?: string | null
  /** From v1.76: cross-signing keys changed, not devices. */
  readonly isSignature?: boolean
  /** From v1.110: the servers to tell are known. */
  readonly hostsCalculated?: boolean
}

/** A row of `to_device`: messages wait for this user (`@…`) or server. */
export interface ToDeviceRow {
  readonly entity: string
}

/** A row of `tag_account_data`, which ends with v1.75: the tags of a room as the user sees it. */
export interface TagAccountDataRow {
  readonly userId: string
  readonly roomId: string
  /** Tag to content. On the wire it is JSON text within a string. */
  readonly data: JsonObject
}

/** A row of `account_data`. */
export interface AccountDataRow {
  readonly userId: string
  /** `null`: global. */
  readonly roomId: string | null
  readonly dataType: string
  /** Until v1.6, any JSON. On the wire it is JSON text within a string. */
  readonly data?: unknown
}

/** A row of `groups`, which ends with v1.60. */
export interface GroupsRow {
  readonly groupId: string
  readonly userId: string
  readonly type: string
  readonly content: JsonObject
}

/** A row of `presence_federation`, from v1.33: send the presence of the user to the server. */
export interface PresenceFederationRow {
  readonly destination: string
  readonly userId: string
}

/** A row of `un_partial_stated_room`, from v1.74. */
export interface UnPartialStatedRoomRow {
  readonly roomId: string
}

/** A row of `un_partial_stated_event`, from v1.75. */
export interface UnPartialStatedEventRow {
  readonly eventId: string
  readonly rejectionStatusChanged: boolean
}

/** A row of `thread_subscriptions`, from v1.135. */
export interface ThreadSubscriptionsRow {
  readonly userId: string
  readonly roomId: string
  readonly eventId: string
}

/** A row of `sticky_events`, from v1.148. */
export interface StickyEventsRow {
  readonly roomId: string
  readonly eventId: string
}

/** A row of `quarantined_media`, from v1.152. */
export interface QuarantinedMediaRow {
  /** The server that the media comes from. */
  readonly origin: string | null
  readonly mediaId: string
  readonly quarantined: boolean
}

/** A row of `profile_updates`, seen in v1.163. */
export interface ProfileUpdatesRow {
  readonly userId: string
  /** `update`, `joined_room` or `left_room`. */
  readonly action: string
  /** The fields of the profile that an `update` has changed; `null` of other actions. */
  readonly affectedFields: readonly string[] | null
}
