import { Buffer } from 'node:buffer'
import type { ConferenceView } from '../conferences/conference-view.js'
import type { ToxProfile } from '../profile/tox-profile.js'
import { toxId } from '../tox/crypto/tox-id.js'
import type { StatusReport } from './status-report.js'

/** What the next start would begin with: everybody is frozen. */
export function reportSaved(profile: ToxProfile): StatusReport {
  const { friends, conferences, name } = profile
  return {
    toxId: toxId(profile),
    name,
    network: null,
    friends: friends.map((friend) => ({ realKey: friend.realKey, name: friend.name, isOnline: false })),
    conferences: conferences.map(({ identifier, title, peers }, conference): ConferenceView => {
      const members = peers.map(({ realKey, name: called, peerNumber, lastActive }) => ({
        realKey,
        name: Buffer.from(called).toString(),
        peerNumber,
        isFriend: friends.some((friend) => friend.realKey === realKey),
        lastActive: lastActive * 1000,
        frozen: { since: lastActive * 1000, why: 'restored' },
      }))
      const type = identifier.startsWith('00') ? 'text' : 'audio'
      const shown = { conference, identifier, type, phase: 'connected', connections: 0 } as const
      return { ...shown, title: Buffer.from(title).toString(), members }
    }),
  }
}
