import { VirtualClock } from '@holdfast/core/testing'
import { expect, it } from 'vitest'
import type { FriendLink } from '../src/tox/friends/friend-link.js'
import { type FriendNews, Friends } from '../src/tox/friends/friends.js'
import { encodeFriendPacket } from '../src/tox/friends/packets.js'
import type { ToxFriendLinks } from '../src/tox/friends/tox-friend-links.js'

it('12.5 friend requests beyond ten a minute are not told, from however many they come', () => {
  const clock = new VirtualClock()
  const told: FriendNews[] = []
  const own = { name: 'a', statusMessage: '', status: 'available' } as const
  const links = { get: () => null } as unknown as ToxFriendLinks
  const ports = { tell: (news: FriendNews) => void told.push(news), now: () => clock.now() }
  const friends = new Friends(links, own, 7, ports)
  const ask = (many: number): void => {
    for (let n = 0; n < many; n += 1) {
      const from = { realKey: n.toString(16).padStart(64, '0') } as unknown as FriendLink
      friends.packet(from, encodeFriendPacket({ kind: 'friend-request', nospam: 7, text: 'hello' }))
    }
  }
  ask(5000)
  expect(told).toHaveLength(10)
  clock.advance(30_000)
  ask(5000)
  expect(told).toHaveLength(15)
})
