import { readFileSync } from 'node:fs'
import { memoryNetwork, testEnv } from '@holdfast/core/testing'
import { type ReplicationServer, registeredStreams, replicationServer } from '@holdfast/tcp-replication'
import { RawClient } from '@holdfast/tcp-replication/testing'
import { describe, expect, it } from 'vitest'
import { sameSpacing, unrepeated, withoutBatches } from './support/json.js'
import { RecordedSource } from './support/recorded-source.js'

type Received = Readonly<Record<string, readonly (string | { closed: true } | { elided: number })[] | null>>

interface Step {
  readonly connect?: string
  readonly client?: string
  readonly sends?: readonly string[]
  readonly sendsBytes?: string
  readonly source?: {
    readonly stream: string
    readonly rows?: readonly (readonly [number, unknown])[]
    readonly rowsFor?: readonly [number, number]
    readonly row?: unknown
    readonly currentToken: number
    readonly notify?: boolean
  }
  readonly serverOp?: string
  readonly wait?: number
  readonly note?: string
  readonly received?: Received
}

interface Session {
  readonly name: string
  readonly serverName: string
  readonly initialToken: number
  readonly steps: readonly Step[]
}

const { sessions } = JSON.parse(
  readFileSync(new URL('vectors/tcp-replication-server-sessions.json', import.meta.url), 'utf8'),
) as { sessions: Session[] }

/** Recorded defects that are not copied; each has a test of its own in server.test.ts. */
const differences: Readonly<Record<string, string>> = {
  'catch-up-out-of-order-source': 'H13.3: rows are sorted by token',
  'queued-live-rows-already-covered-are-dropped':
    'H13.6: a position is announced when its rows have been sent',
  'subscribe-during-live-fetch': 'H13.6: no row at or below a POSITION follows it',
  'blank-line': 'H2: blank lines are ignored',
  'cr-only-line': 'H2: blank lines are ignored',
  'no-space': 'H2.1: a missing space is an empty argument',
  'crlf-now': 'H13: one CR is stripped',
  'invalid-utf8': 'H2: ERROR, then close',
  'percent-in-bad-line': 'H12: ERROR, then close',
  'row-too-long-live': 'H13.4: the rest of the batch keeps its token',
  'row-too-long-catch-up': 'H13.4: reported, and the stream goes on',
  'catch-up-10000-rows': 'H13.1: no limit',
  'live-burst-10000-wedges': 'H13.4: a burst is paged',
  'failed-to-keep-up': 'H13.2: falls back to catching up first',
  'catch-up-overflows-queue': 'H13.1: a catch-up waits for the socket',
  'catch-up-queue-adds-up-over-streams': 'H13.1: a catch-up waits for the socket',
  'source-failure': 'H13.4: harms its stream only',
}

class Replay {
  readonly env = testEnv({ name: 'main' })
  readonly network = memoryNetwork(this.env.clock)
  readonly source: RecordedSource
  readonly clients = new Map<string, RawClient>()

  constructor(session: Session) {
    const streams = registeredStreams.map(({ name }) => name)
    this.source = new RecordedSource(this.env.clock, streams, session.initialToken)
  }

  async act(step: Step, server: ReplicationServer): Promise<void> {
    const delay = /takes ([\d.]+) s$/.exec(step.note ?? '')
    if (delay !== null) this.source.slow.push(Number(delay[1]))
    if (step.connect !== undefined)
      this.clients.set(step.connect, new RawClient(this.network, { uri: 'memory:main' }))
    const client = this.clients.get(step.client ?? '')
    if (step.sends !== undefined) client?.send(...step.sends)
    if (step.sendsBytes !== undefined) client?.link.write(bytesOf(step.sendsBytes))
    if (step.source !== undefined) {
      const { stream, rows, rowsFor, row, currentToken, notify } = step.source
      const many =
        rowsFor &&
        Array.from({ length: rowsFor[1] - rowsFor[0] + 1 }, (_, n) => [rowsFor[0] + n, row] as const)
      this.source.add(stream, unrepeated(rows ?? many ?? []) as [number, unknown][], currentToken)
      if (notify !== false) this.source.poke()
    }
    if (step.serverOp === 'poke') this.source.poke()
    else if (step.serverOp !== undefined) server.sync('hello world')
    const pending = step.sends === undefined ? 0 : Math.max(0, ...this.source.slow)
    await this.env.clock.advanceAsync((step.wait ?? pending) * 1000)
  }

  /** What a client got in this step, as the recordings have it. */
  received(label: string): (string | { closed: true })[] {
    const client = this.clients.get(label)
    if (client === undefined) return []
    const lines = client.take().map((line) => line.replace(/^PING \d+$/, 'PING <ms>'))
    return [...lines, ...(client.ended === null ? [] : [{ closed: true } as const])]
  }
}

function bytesOf(description: string): Buffer {
  if (!description.startsWith("'")) return Buffer.from(description, 'hex')
  const parts = /^'(\w+ ?)'(?: \+ 'x' \* (\d+))?(, no LF| \+ LF)?/.exec(description)
  const filler = 'x'.repeat(Number(parts?.[2] ?? 0))
  return Buffer.from(`${parts?.[1] ?? ''}${filler}${parts?.[3] === ' + LF' ? '\n' : ''}`)
}

/** The ERROR's text is its sender's own (12), and rows of one token are a batch in a catch-up too (H13.3). */
function comparable(lines: readonly (string | { closed: true } | { elided: number })[]): unknown[] {
  const texts = lines.map((line) => (typeof line === 'string' ? sameSpacing(line) : JSON.stringify(line)))
  return withoutBatches(texts).map((line) => (line.startsWith('ERROR ') ? 'ERROR' : line))
}

/** Leaves out of the middle what the recording left out. */
function elided(lines: readonly unknown[], expected: readonly unknown[]): unknown[] {
  const at = expected.findIndex((line) => String(line).startsWith('{"elided"'))
  if (at < 0) return [...lines]
  const count = lines.length - (expected.length - 1)
  return [...lines.slice(0, at), JSON.stringify({ elided: count }), ...lines.slice(at + count)]
}

describe('a server in the recorded sessions of a real Synapse server', () => {
  for (const session of sessions) {
    if (session.name in differences) continue
    it(`7: ${session.name}`, async () => {
      const replay = new Replay(session)
      const { env, network, source } = replay
      await using server = await replicationServer({
        env,
        acceptor: network,
        at: { uri: 'memory:main' },
        source,
        serverName: session.serverName,
        positionEvery: Infinity,
      })
      for (const step of session.steps) {
        await replay.act(step, server)
        for (const [label, expected] of Object.entries(step.received ?? {})) {
          const wanted = comparable(expected ?? [])
          expect(elided(comparable(replay.received(label)), wanted)).toEqual(wanted)
        }
      }
    })
  }

  it('covers every recording, or says why not', () => {
    const names = new Set(sessions.map(({ name }) => name))
    expect(Object.keys(differences).filter((name) => !names.has(name))).toEqual([])
    expect(sessions.length - Object.keys(differences).length).toBeGreaterThan(20)
  })
})
