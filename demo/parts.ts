import { play as conference } from '../packages/conference/src/cli/demo/demo.js'
import type { DemoOutcome, DemoStage } from '../packages/core/src/service/index.js'
import { play as proxy } from '../packages/mtproto-proxy/src/cli/demo/demo.js'
import { play as nostr } from '../packages/nostr-sync/src/cli/demo/demo.js'
import { play as replication } from '../packages/tcp-replication/src/cli/demo/demo.js'

/** One of the systems: the demonstration of its own program. */
export interface Part {
  /** At the head of its lines. */
  readonly name: string
  /** What it is, in a line. */
  readonly about: string
  readonly play: (stage: DemoStage) => Promise<DemoOutcome>
}

/** All that are in the storm. */
export const parts: readonly Part[] = [
  { name: 'replication', about: 'a log with a slow and a fast follower', play: replication },
  { name: 'proxy', about: '200 clients of an embedded Telegram', play: proxy },
  { name: 'mirror', about: 'a mirror of two Nostr relays', play: nostr },
  { name: 'conference', about: 'five peers of a Tox conference, at 8 times the speed', play: conference },
]
