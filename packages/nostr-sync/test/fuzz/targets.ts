import {
  closedMeaning,
  filterMatcher,
  loadComplaint,
  MessageError,
  NegentropyError,
  NegentropyInitiator,
  NegentropyResponder,
  negentropyFromHex,
  negentropyItems,
  negentropyToHex,
  normalizeRelayUrl,
  parseAddress,
  readAnnouncement,
  readClientMessage,
  readRelayInfo,
  readRelayMessage,
  relaysOf,
} from '@holdfast/nostr-sync'
import { madeEvent } from '../support/made-event.js'

/** Something that reads what strangers send. */
export interface FuzzTarget {
  readonly name: string
  /** What it understands, to be damaged. */
  readonly seeds: readonly string[]
  /** Must not throw, whatever the text: what is thrown on purpose is caught here. */
  run(text: string): void
}

/** Runs it; what it throws has to be of this class. */
function meant(kind: abstract new (...args: never) => Error, run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof kind)) throw error
  }
}

const issue = madeEvent({
  kind: 1621,
  tags: [
    ['a', `30617:${'a'.repeat(64)}:x`],
    ['e', 'b'.repeat(64)],
  ],
})
const repo = madeEvent({
  kind: 30617,
  tags: [
    ['d', 'x'],
    ['relays', 'wss://a.example', 'ws://[::1]:7/x?y'],
    ['clone', 'https://b.example:8/x.git'],
    ['maintainers', 'c'.repeat(64)],
  ],
})
const filter = {
  kinds: [1621],
  authors: ['a'.repeat(64)],
  '#e': ['b'.repeat(64)],
  since: 1,
  until: 9,
  limit: 5,
}
const pairs = Array.from({ length: 100 }, (_, n): [number, string] => [
  1000 + (n >> 2),
  madeEvent({ content: `${n}` }).id,
])
const items = negentropyItems(pairs)
const opening = negentropyToHex(new NegentropyInitiator(negentropyItems(pairs.slice(50)), {}).initiate())
const answer = negentropyToHex(new NegentropyResponder(items).reconcile(negentropyFromHex(opening)))

/** All readers of what comes from relays and clients. */
export const fuzzTargets: readonly FuzzTarget[] = [
  {
    name: 'relay message',
    seeds: [
      ['EVENT', 's', issue],
      ['EOSE', 's'],
      ['CLOSED', 's', 'rate-limited: slow'],
      ['OK', issue.id, true, ''],
      ['NOTICE', 'ERROR: too many concurrent REQs'],
      ['AUTH', 'x'],
      ['COUNT', 's', { count: 3, approximate: true }],
      ['NEG-MSG', 's', '61'],
      ['NEG-ERR', 's', 'blocked: x', 7],
    ].map((message) => JSON.stringify(message)),
    run: (text) =>
      meant(MessageError, () => {
        const message = readRelayMessage(text)
        if (message.kind === 'event') filterMatcher([filter])(message.event)
      }),
  },
  {
    name: 'client message',
    seeds: [
      ['EVENT', issue],
      ['REQ', 's', filter, {}],
      ['CLOSE', 's'],
      ['COUNT', 's', filter],
      ['AUTH', issue],
      ['NEG-OPEN', 's', filter, '61'],
      ['NEG-MSG', 's', '61'],
      ['NEG-CLOSE', 's'],
    ].map((message) => JSON.stringify(message)),
    run: (text) =>
      meant(MessageError, () => {
        const message = readClientMessage(text)
        if (message.kind === 'req') filterMatcher(message.filters)(issue)
      }),
  },
  {
    name: 'negentropy, asked',
    seeds: [opening],
    run: (text) =>
      meant(NegentropyError, () => void new NegentropyResponder(items).reconcile(negentropyFromHex(text))),
  },
  {
    name: 'negentropy, answered',
    seeds: [answer],
    run: (text) =>
      meant(NegentropyError, () => {
        const initiator = new NegentropyInitiator(items, {})
        initiator.initiate()
        initiator.reconcile(negentropyFromHex(text))
      }),
  },
  {
    name: 'relay document',
    seeds: ['{"name":"x","supported_nips":[1,77],"limitation":{"max_limit":500,"auth_required":false}}'],
    run: (text) => void readRelayInfo(text),
  },
  {
    name: 'announcement',
    seeds: repo.tags.map((tag) => JSON.stringify(tag)),
    run: (text) => {
      const tag = text.split('"')
      const reading = readAnnouncement({ ...repo, tags: [...repo.tags, tag] })
      if (reading.kind !== 'malformed') relaysOf(reading.announcement)
    },
  },
  {
    name: 'texts',
    seeds: [
      'wss://relay.example:443/x/',
      `30617:${'a'.repeat(64)}:x:y`,
      'rate-limited: too many REQs',
      'ERROR: bad msg',
    ],
    run: (text) => {
      normalizeRelayUrl(text)
      parseAddress(text)
      closedMeaning(text)
      loadComplaint(text)
    },
  },
]
