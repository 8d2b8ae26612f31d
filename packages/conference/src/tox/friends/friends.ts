import { Buffer } from 'node:buffer'
import type { Millis } from '@holdfast/core'
import type { RealKey } from '../../wire/identity.js'
import { RateLimit } from '../limits/rate-limit.js'
import type { FriendLink } from './friend-link.js'
import {
  decodeFriendPacket,
  encodeFriendPacket,
  type FriendPacket,
  type FriendStatus,
  maxFriendNameBytes,
  maxPrivateMessageBytes,
  maxStatusMessageBytes,
} from './packets.js'
import type { ToxFriendLinks } from './tox-friend-links.js'

/** What is known of a friend. */
export interface Friend {
  readonly realKey: RealKey
  /** There is a link, and the friend has said that it regards us as a friend, too. */
  readonly isOnline: boolean
  readonly name: string
  readonly statusMessage: string
  readonly status: FriendStatus
  readonly isTyping: boolean
}

/** What we tell our friends of ourselves. */
export interface Profile {
  /** At most 128 bytes of UTF-8. */
  readonly name: string
  /** At most 1,007 bytes of UTF-8. */
  readonly statusMessage: string
  readonly status: FriendStatus
}

/** What is told of friends. */
export type FriendNews =
  | { readonly kind: 'friend'; readonly friend: Friend; readonly changed: keyof Omit<Friend, 'realKey'> }
  | {
      readonly kind: 'message'
      readonly from: RealKey
      readonly text: string
      readonly as: 'chat' | 'action'
    }
  /** Somebody who is no friend, but whom a conference has us connected to, asks to be one. */
  | {
      readonly kind: 'friend-request'
      readonly from: RealKey
      readonly text: string
    }

/** Why nothing was said. `busy`: more than 64 KiB wait to be acknowledged; try again later. */
export type SayRefused = 'no-such-friend' | 'offline' | 'empty' | 'too-long' | 'busy'

const holder = 'friend'
/** Friend requests that are told; what comes beyond is dropped, and may be asked again. */
const requestsPerMinute = 10
const online = encodeFriendPacket({ kind: 'online' })

/** The messenger: friends, what they say of themselves, and private messages (spec 12.6). */
export class Friends {
  readonly #links: ToxFriendLinks
  readonly #tell: (news: FriendNews) => void
  readonly #now: () => Millis
  readonly #friends = new Map<RealKey, Friend>()
  readonly #requests = new RateLimit(requestsPerMinute / 60, requestsPerMinute)
  #profile: Profile
  nospam: number

  constructor(
    links: ToxFriendLinks,
    profile: Profile,
    nospam: number,
    ports: { readonly tell: (news: FriendNews) => void; readonly now: () => Millis },
  ) {
    this.#links = links
    this.#profile = short(profile)
    this.nospam = nospam
    this.#tell = ports.tell
    this.#now = ports.now
  }

  /** All friends, by real key. */
  get all(): ReadonlyMap<RealKey, Friend> {
    return this.#friends
  }

  /** What friends are told of us. */
  get profile(): Profile {
    return this.#profile
  }

  /** Makes a peer a friend; it is one for us whether or not it knows. */
  add(realKey: RealKey): void {
    if (this.#friends.has(realKey)) return
    this.#friends.set(realKey, {
      realKey,
      isOnline: false,
      name: '',
      statusMessage: '',
      status: 'available',
      isTyping: false,
    })
    this.#links.want(realKey, null, holder)
    const link = this.#links.get(realKey)
    if (link) this.up(link)
  }

  /** A friend no more. */
  remove(realKey: RealKey): void {
    if (!this.#friends.delete(realKey)) return
    this.#links.get(realKey)?.send(encodeFriendPacket({ kind: 'offline' }))
    this.#links.release(realKey, holder)
  }

  /** Changes what we tell of ourselves; what is too long is cut at a character. */
  introduce(change: Partial<Profile>): void {
    this.#profile = short({ ...this.#profile, ...change })
    for (const { realKey, isOnline } of this.#friends.values()) {
      const link = isOnline ? this.#links.get(realKey) : null
      if (link) this.#tellProfile(link)
    }
  }

  /** Says something to a friend that is online. `null` means sent. */
  say(to: RealKey, text: string, as: 'chat' | 'action' = 'chat'): SayRefused | null {
    if (text.length === 0) return 'empty'
    if (Buffer.byteLength(text) > maxPrivateMessageBytes) return 'too-long'
    return this.#send(to, { kind: as === 'chat' ? 'message' : 'action', text })
  }

  /** Tells a friend whether we are typing. */
  typing(to: RealKey, isTyping: boolean): SayRefused | null {
    return this.#send(to, { kind: 'typing', isTyping })
  }

  /** Asks somebody to whom there is a link, as to a fellow member, to be a friend. */
  request(to: RealKey, nospam: number, text: string): SayRefused | null {
    const link = this.#links.get(to)
    if (!link) return 'offline'
    if (text.length === 0) return 'empty'
    return link.send(encodeFriendPacket({ kind: 'friend-request', nospam, text })) === 'refused'
      ? 'busy'
      : null
  }

  /**
   * A friend connection came up.
   *
   * @internal
   */
  up(link: FriendLink): void {
    if (!this.#friends.has(link.realKey)) return
    link.send(online)
    this.#tellProfile(link)
  }

  /**
   * A friend connection went down.
   *
   * @internal
   */
  down(realKey: RealKey): void {
    this.#change(realKey, 'isOnline', false)
    this.#change(realKey, 'isTyping', false)
  }

  /**
   * A packet that is not of a conference.
   *
   * @internal
   */
  packet({ realKey }: FriendLink, bytes: Uint8Array): void {
    const packet = decodeFriendPacket(bytes)
    if (!packet) return
    if (packet.kind === 'friend-request') {
      this.#asked(realKey, packet)
      return
    }
    switch (packet.kind) {
      case 'alive':
        return
      case 'online':
      case 'offline': {
        this.#change(realKey, 'isOnline', packet.kind === 'online')
        return
      }
      case 'name': {
        this.#change(realKey, 'name', packet.text)
        return
      }
      case 'status-message': {
        this.#change(realKey, 'statusMessage', packet.text)
        return
      }
      case 'status': {
        this.#change(realKey, 'status', packet.status)
        return
      }
      case 'typing': {
        this.#change(realKey, 'isTyping', packet.isTyping)
        return
      }
      case 'message':
      case 'action': {
        const as = packet.kind === 'action' ? 'action' : 'chat'
        if (this.#friends.get(realKey)?.isOnline) {
          this.#tell({ kind: 'message', from: realKey, text: packet.text, as })
        }
      }
    }
  }

  #asked(from: RealKey, { nospam, text }: FriendPacket & { readonly kind: 'friend-request' }): void {
    if (nospam !== this.nospam || this.#friends.has(from) || !this.#requests.take(this.#now())) return
    this.#tell({ kind: 'friend-request', from, text })
  }

  #change<K extends keyof Omit<Friend, 'realKey'>>(realKey: RealKey, what: K, to: Friend[K]): void {
    const known = this.#friends.get(realKey)
    if (!known || known[what] === to) return
    const friend = { ...known, [what]: to }
    this.#friends.set(realKey, friend)
    this.#tell({ kind: 'friend', friend, changed: what })
  }

  #send(to: RealKey, packet: FriendPacket): SayRefused | null {
    const friend = this.#friends.get(to)
    if (!friend) return 'no-such-friend'
    const link = friend.isOnline ? this.#links.get(to) : null
    if (!link) return 'offline'
    if (link.isFull) return 'busy'
    return link.send(encodeFriendPacket(packet)) === 'refused' ? 'busy' : null
  }

  #tellProfile(link: FriendLink): void {
    const { name, statusMessage, status } = this.#profile
    link.send(encodeFriendPacket({ kind: 'name', text: name }))
    link.send(encodeFriendPacket({ kind: 'status-message', text: statusMessage }))
    link.send(encodeFriendPacket({ kind: 'status', status }))
  }
}

/** As much of it as others take. */
function short({ name, statusMessage, status }: Profile): Profile {
  return {
    name: cut(name, maxFriendNameBytes),
    statusMessage: cut(statusMessage, maxStatusMessageBytes),
    status,
  }
}

function cut(text: string, bytes: number): string {
  // Only whole characters are encoded.
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(bytes)).read)
}
