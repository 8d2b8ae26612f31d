import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { systemClock } from '@holdfast/core'
import { Scorecard } from '@holdfast/core/service'
import type { NostrEvent } from '../src/index.js'
import { embeddedRelay, TestAuthor } from '../src/testing/index.js'
import { goClient, npmClients } from './installations.js'
import { type RelayProgram, startNpmRelay, startRustRelay } from './relay-programs.js'
import { meetRelay } from './relay-scenarios.js'

const print = (line: string) => void process.stdout.write(`${line}\n`)

/** Each client's program, and what it must have counted: events of 1000, of which either side lacks some. */
interface Client {
  readonly name: string
  readonly about: string
  readonly command: () => Promise<readonly [program: string, ...args: string[]]>
  readonly expected: Readonly<Record<string, number | string>>
  /** What the relay must have afterwards of what only the client had. */
  readonly pushes?: true
}

const lacking = { client: 40, relay: 25 }
const total = 1000
const inRelay = total - lacking.relay
const node = async (file: string) => [process.execPath, join(await npmClients(print), file)] as const
const clients: readonly Client[] = [
  {
    name: 'nostr-tools',
    about: 'NIP-01, NIP-45 and NIP-77 by nostr-tools',
    command: () => node('nostr-tools.mjs'),
    expected: {
      read: inRelay,
      counted: inRelay,
      heard: 'nostr-tools',
      have: lacking.relay,
      need: lacking.client,
    },
  },
  {
    name: 'rx-nostr',
    about: 'NIP-01 by rx-nostr',
    command: () => node('rx-nostr.mjs'),
    expected: { read: inRelay, heard: 'rx-nostr' },
  },
  {
    name: 'ndk-sync',
    about: 'NIP-77 by @nostr-dev-kit/sync, and what it lacks fetched',
    command: () => node('ndk-sync.mjs'),
    expected: { have: lacking.relay, need: lacking.client, fetched: lacking.client },
  },
  {
    name: 'go-nostr',
    about: 'NIP-01, and NIP-77 in both directions, by go-nostr',
    command: async () => [await goClient(print)] as const,
    expected: { read: inRelay, heard: 'go-nostr', has: total },
    pushes: true,
  },
]

/** Relays of others, and how to start each. */
interface Relay {
  readonly name: string
  readonly about: string
  readonly start: (print: (line: string) => void) => Promise<RelayProgram>
}
const relays: readonly Relay[] = [
  {
    name: 'nostr-rs-relay',
    about: 'a relay in Rust without negentropy: synced both ways, mirrored, killed and caught up with',
    start: startRustRelay,
  },
  {
    name: 'nostr-relay',
    about: 'a relay of @nostr-relay/core without negentropy: synced both ways, and mirrored',
    start: startNpmRelay,
  },
]

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const isChosen = ({ name }: { readonly name: string }): boolean =>
  flags.only.length === 0 || flags.only.includes(name)
if (flags.help || ![...clients, ...relays].some(isChosen)) {
  print('usage: pnpm interop:nostr [--only NAME]...\n')
  for (const { name, about } of [...clients, ...relays]) print(`  ${name.padEnd(16)} ${about}`)
  process.exit(flags.help ? 0 : 2)
}

const alice = new TestAuthor('alice')
const events = Array.from({ length: total }, (_, n) =>
  alice.signs({ kind: 1621, created_at: 1_700_000_000 + Math.floor(n / 3), content: `${n}` }),
)
const card = new Scorecard({ out: process.stdout, clock: systemClock() })
const missing: string[] = []
for (const client of clients.filter(isChosen)) {
  const command = await installed(client.name, client.command)
  if (command !== null) await card.scenario(client.name, client.about, () => meet(client, command))
}
for (const { name, about, start } of relays.filter(isChosen)) {
  const relay = await installed(name, () => start(print))
  if (relay === null) continue
  await card.scenario(name, about, () => meetRelay(card, relay))
  await relay[Symbol.asyncDispose]()
}
const isGood = card.finish()
for (const name of missing) print(`Not tried, because it could not be installed: ${name}`)
process.exit(isGood ? 0 : 1)

/** Where a registry is out of reach the others are tried all the same. */
async function installed<T>(name: string, install: () => Promise<T>): Promise<T | null> {
  try {
    return await install()
  } catch (error) {
    missing.push(name)
    print(`\n${name} could not be installed: ${error instanceof Error ? error.message : String(error)}`)
    return null
  }
}

async function meet(
  { expected, pushes }: Client,
  [program, ...args]: Awaited<ReturnType<Client['command']>>,
): Promise<void> {
  await using relay = await embeddedRelay({ events: events.slice(lacking.relay) })
  const mine = events.slice(0, total - lacking.client)
  const counted = await answerOf(program, args, { url: relay.url, mine, filter: { kinds: [1621] } })
  for (const [name, value] of Object.entries(expected)) card.equal(name, value, counted[name] ?? 'nothing')
  if (pushes !== true) return
  await relay.intake.settled()
  const lacked = events.filter(({ id }) => !relay.store.has(id)).length
  card.equal('events that the relay lacks afterwards', 0, lacked)
}

async function answerOf(
  program: string,
  args: readonly string[],
  given: { url: string; mine: readonly NostrEvent[]; filter: object },
): Promise<Record<string, number | string>> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: 90_000 })
  child.stdin.end(JSON.stringify(given))
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  const line = out.trim().split('\n').at(-1) ?? ''
  if (code !== 0 || !line.startsWith('{'))
    throw new Error(`exited with ${String(code)}: ${err.slice(-2000)}${out.slice(-500)}`)
  return JSON.parse(line) as Record<string, number | string>
}
