/**
 * Persistent Tox conferences: members freeze, thaw and rejoin.
 *
 * @packageDocumentation
 */

export { type KeptMessage, ToxClient, type ToxClientOptions, toxClient } from './client/tox-client.js'
export type { ConferenceMessage } from './conferences/conference-message.js'
export type { ConferenceView, MemberView } from './conferences/conference-view.js'
export { Conferences, type ConferencesOptions, conferences } from './conferences/conferences.js'
export type { FriendLinks } from './conferences/friend-links.js'
export type { ClosestPeer, ClosestPeers } from './group/closest.js'
export { noClosestPeers, offerClosest, removeClosest, ringDistance } from './group/closest.js'
export type {
  ConferenceNews,
  ConferencesCommand,
  ConferencesEffect,
  ConferencesInput,
  FrozenBecause,
  RefusedWhy,
  ThawedBy,
} from './group/events.js'
export type { History, HistoryEntry } from './group/history.js'
export { type LossyWindow, rememberLossy } from './group/lossy-window.js'
export { conferencesStep, emptyConferences, type Self } from './group/machine.js'
export { type ConferenceMemory, conferenceMemories } from './group/memory.js'
export { isGreater, remember, type SeenMessage } from './group/message-window.js'
export { savedConferences } from './group/save.js'
export {
  type CatchUp,
  type Conference,
  type ConferencesContext,
  type ConferencesMachine,
  type ConferencesRules,
  defaultRules,
  type FriendLink,
  type GroupConnection,
  type Invitation,
  type Peer,
  type Reason,
  type Reasons,
  type Spending,
} from './group/types.js'
export {
  type LogEntry,
  type LoggedMessage,
  MessageLog,
  type MessageLogOptions,
  type PageOptions,
} from './history/message-log.js'
export { type ConferenceMetricsSource, registerConferenceMetrics } from './metrics/conference-metrics.js'
export { type NodeMetricsSource, registerNodeMetrics } from './metrics/node-metrics.js'
export { ProfileStore } from './profile/profile-store.js'
export {
  changeProfile,
  type NewProfile,
  newProfile,
  type ProfileChanges,
  readProfile,
  type ToxProfile,
} from './profile/tox-profile.js'
export type { RandomBytes } from './tox/crypto/box.js'
export { parseToxId, type ToxId, ToxIdError, toxId } from './tox/crypto/tox-id.js'
export type { Address } from './tox/dht/address.js'
export type { NodeInfo } from './tox/dht/packed-nodes.js'
export type { Friend, FriendNews, Friends, Profile, SayRefused } from './tox/friends/friends.js'
export type { FriendStatus } from './tox/friends/packets.js'
export { type ToxNode, toxNode } from './tox/node.js'
export type { ToxNews, ToxNodeOptions } from './tox/node-options.js'
export type { RelayInfo } from './tox/relay/relays.js'
export type { DropReason, Traffic } from './tox/traffic.js'
export { type BindUdp, ToxPortError, type UdpPort } from './tox/udp-socket.js'
export {
  decodeConferencesSection,
  encodeConferencesSection,
  type SavedConference,
  type SavedPeer,
} from './wire/conferences-section.js'
export { decodePacket } from './wire/decode-packet.js'
export {
  encodeLossy,
  encodeMessage,
  encodePacket,
  newPeerData,
  peerNumberData,
  type SimplePacket,
  withConference,
} from './wire/encode-packet.js'
export { SaveFileError } from './wire/errors.js'
export {
  decodeExtension,
  type Extension,
  encodeExtension,
  type LateMessage,
  maxLateTextBytes,
} from './wire/extension.js'
export {
  decodeFriendsSection,
  encodeFriendsSection,
  newSavedFriend,
  renameSavedFriend,
  type SavedFriend,
} from './wire/friends-section.js'
export {
  type ConferenceIdentifier,
  type ConferenceType,
  conferenceIdentifier,
  conferenceType,
  type DhtKey,
  isValidKey,
  type RealKey,
} from './wire/identity.js'
export {
  type ConferencePacket,
  extensionIds,
  type LossyPacket,
  type MessageBody,
  type MessagePacket,
  maxNameBytes,
  maxPacketBytes,
  maxTextBytes,
  messageIds,
  type PeerEntry,
} from './wire/packets.js'
export { encodePeerResponses } from './wire/peer-list.js'
export {
  encodeSaveFile,
  type SaveSection,
  saveFileSections,
  sectionTypes,
  withConferencesSection,
  withSection,
} from './wire/save-file.js'
