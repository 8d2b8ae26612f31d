import type { Acceptor, Endpoint, Link } from '@holdfast/core'
import { webSocket } from '@holdfast/core/web-socket'
import { type NostrEvent, type RelayInfo, relayInfoHandler } from '../index.js'
import type { RelayFaults } from './relay-faults.js'
import { ScriptedClient } from './scripted-client.js'
import { Transcript, type TranscriptLine } from './transcript.js'

/** Options of {@link scriptedRelay}. */
export interface ScriptedRelayOptions {
  /** @defaultValue WebSockets */
  readonly acceptor?: Acceptor
  /** @defaultValue a free port of loopback */
  readonly at?: Endpoint
  readonly events?: readonly NostrEvent[]
  readonly faults?: RelayFaults
  /** Its document of NIP-11; without one, requests are answered by 426. */
  readonly info?: RelayInfo
  /** Says what was said in this conversation, to each client from its beginning, instead of what a relay would. */
  readonly transcript?: readonly TranscriptLine[]
}

/** A relay in the hands of a test. */
export interface ScriptedRelay extends AsyncDisposable {
  readonly endpoint: Endpoint
  readonly url: string
  /** How it misbehaves from now on. */
  readonly faults: RelayFaults
  /** What it stores, in the order of coming. */
  readonly events: readonly NostrEvent[]
  /** Every connection so far, oldest first. */
  readonly clients: readonly ScriptedClient[]
  /** Stores events and tells those who have asked for them. */
  publish(...events: readonly NostrEvent[]): void
  /** Stops listening and resets all connections. */
  close(): Promise<void>
}

/**
 * Starts a relay that does as it is told: well, by a captured conversation, or wrongly in one of many ways.
 *
 * @example
 * ```ts no-run
 * import { scriptedRelay, TestAuthor } from '@holdfast/nostr-sync/testing'
 *
 * await using relay = await scriptedRelay({ faults: { noEose: true } })
 * relay.publish(new TestAuthor('alice').signs({ kind: 1621 }))
 * console.log(`connect to ${relay.url}`)
 * ```
 */
export async function scriptedRelay(options: ScriptedRelayOptions = {}): Promise<ScriptedRelay> {
  const { acceptor = webSocket(), at = { uri: 'ws://127.0.0.1:0' }, info, transcript } = options
  const events = [...(options.events ?? [])]
  const faults: RelayFaults = { ...options.faults }
  const links = new Map<Link, ScriptedClient>()
  const clients: ScriptedClient[] = []
  const publish = (...published: readonly NostrEvent[]): void => {
    for (const event of published) {
      if (events.some(({ id }) => id === event.id)) continue
      events.push(event)
      for (const client of links.values()) client.tell(event)
    }
  }
  const state = { faults, events, published: publish }
  const serve = (link: Link): ((text: string) => void) => {
    const client = new ScriptedClient(link, state)
    links.set(link, client)
    clients.push(client)
    client.greet()
    const played = transcript && new Transcript(transcript)
    return (text) => {
      if (!client.hear(text)) return
      if (played === undefined) client.answer(text)
      else for (const answer of played.answersTo(text) ?? unexpected(text)) client.saysText(answer)
    }
  }
  const accepting = await acceptor.accept(
    { ...(info && { answer: relayInfoHandler(info) }), ...at },
    {
      incoming(take) {
        let hear: (text: string) => void = () => undefined
        const link = take({
          opened: () => (hear = serve(link)),
          data: () => undefined,
          message: (message) => hear(typeof message === 'string' ? message : Buffer.from(message).toString()),
          writable: () => undefined,
          ended: () => links.delete(link),
        })
      },
      failed: () => undefined,
    },
  )
  const close = async (): Promise<void> => {
    for (const client of [...links.values()]) client.drop()
    await accepting.close()
  }
  return {
    endpoint: accepting.endpoint,
    url: accepting.endpoint.uri.replace(/\/$/, ''),
    ...{ faults, events, clients, publish, close },
    [Symbol.asyncDispose]: close,
  }
}

function unexpected(text: string): string[] {
  return [JSON.stringify(['NOTICE', `the conversation does not go on with ${text.slice(0, 100)}`])]
}
