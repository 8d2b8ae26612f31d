import type { Env } from '@holdfast/core'
import { Conferences } from '../conferences.js'
import type { FriendLinks } from '../friend-links.js'
import type { ConferenceNews } from '../group/events.js'
import type { ConferencesRules } from '../group/types.js'
import type { DhtKey, RealKey } from '../wire/identity.js'
import type { FriendLink } from './friends/friend-link.js'
import type { ToxFriendLinks } from './friends/tox-friend-links.js'
import type { Whereabouts } from './whereabouts.js'

/** What the conferences of a node need. */
export interface ConferenceHostOptions {
  readonly env: Env
  readonly self: { readonly realKey: RealKey; readonly dhtKey: DhtKey }
  readonly rules: ConferencesRules
  readonly connections: ToxFriendLinks
  readonly whereabouts: Whereabouts
  readonly tell: (news: ConferenceNews) => void
}

/** The conferences of a node: on its friend connections. */
export class ConferenceHost extends Conferences {
  constructor({ env, self, rules, connections, whereabouts, tell }: ConferenceHostOptions) {
    super({ env, self, rules, links: friendLinks(connections, whereabouts) })
    this.events$.subscribe(tell)
  }

  /** A friend connection came up. */
  up({ realKey, dhtKey }: FriendLink): void {
    this.take({ kind: 'link-up', realKey, dhtKey })
  }

  /** A friend connection went down. */
  down(realKey: RealKey): void {
    this.take({ kind: 'link-down', realKey })
  }
}

function friendLinks(connections: ToxFriendLinks, whereabouts: Whereabouts): FriendLinks {
  return {
    want(realKey, dhtKey, by) {
      // Told first, lest the first dial be to somebody else.
      if (dhtKey !== null) whereabouts.tell(realKey, dhtKey)
      connections.lease(realKey, by)
      connections.nudge(realKey)
    },
    release: (realKey, by) => connections.release(realKey, by),
    send: (realKey, packet) => void connections.get(realKey)?.send(packet),
    sendLossy: (realKey, packet) => void connections.get(realKey)?.sendLossy(packet),
  }
}
