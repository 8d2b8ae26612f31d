import { readFileSync } from 'node:fs'
import type { LifecycleState } from '@holdfast/core'
import { type FaultyLink, ScriptedDialer, type TestEnv, testEnv } from '@holdfast/core/testing'
import type { ReplicationClient } from '@holdfast/tcp-replication'
import { replicationClient } from '@holdfast/tcp-replication'
import { describe, expect, it } from 'vitest'

interface Step {
  readonly server?: readonly string[] | 'connected' | 'closes the connection'
  readonly application?: string | Readonly<Record<string, readonly unknown[]>>
  readonly clientSends?: readonly (string | { closed: true })[]
  readonly callbacks?: readonly (string | { rows?: { stream: string; token: number; rows: unknown[] } })[]
}

interface Session {
  readonly name: string
  readonly about: string
  readonly clientName: string
  readonly expectedServerName: string
  readonly positions: Readonly<Record<string, number>>
  readonly currentlySyncing: readonly string[]
  readonly steps: readonly Step[]
  readonly finalPositions: Readonly<Record<string, number>>
}

const { sessions } = JSON.parse(
  readFileSync(new URL('vectors/tcp-replication-client-sessions.json', import.meta.url), 'utf8'),
) as { sessions: Session[] }

/** Where we do better than what was recorded, by the rule that says so. */
const differences: Readonly<Record<string, string>> = {
  'tokens-going-backwards': 'H9.3.5: a lower POSITION is a reset, and the resume position goes down with it',
  'unknown-stream-in-positions': 'H8.1: an unknown name is the server to judge; it is asked for all the same',
}

class Replay {
  readonly env: TestEnv = testEnv({ name: 'w1' })
  readonly dialer = new ScriptedDialer(this.env.clock, [{}])
  readonly delivered: { stream: string; token: number; rows: number }[] = []
  readonly client: ReplicationClient
  #told = 0

  constructor(session: Session) {
    this.client = replicationClient({
      env: this.env,
      dialer: this.dialer,
      endpoints: [{ uri: 'tcp://127.0.0.1:9092' }],
      name: session.clientName,
      serverName: session.expectedServerName,
      dialect: 'D1',
      streams: Object.entries(session.positions).map(([stream, from]) => ({
        stream,
        from,
        apply: ({ token, rows }) => void this.delivered.push({ stream, token, rows: rows.length }),
      })),
    })
    for (const user of session.currentlySyncing) this.client.userSync(user, 'start')
  }

  async connect(): Promise<void> {
    if (this.client.state.phase === 'idle') await this.client.start()
    while (this.client.state.phase !== 'dialing') await this.env.clock.advanceAsync(100)
    this.#told = 0
    this.dialer.last.open()
    await this.env.clock.advanceAsync(0)
  }

  /** Lines written since the last call, times as `<ms>`. */
  sent(): (string | { closed: true })[] {
    const { last } = this.dialer
    const fresh = last.written.slice(this.#told)
    this.#told = last.written.length
    const lines = fresh.split('\n').filter((line) => line !== '')
    return [...lines.map(withoutTime), ...(last.endedByOwner === null ? [] : [{ closed: true } as const])]
  }

  get link(): FaultyLink {
    return this.dialer.last
  }
}

function withoutTime(line: string): string {
  return line.replace(/^(PING) \d+$/, '$1 <ms>').replace(/^(USER_SYNC .* start) \d+$/, '$1 <ms>')
}

function applicationCalls(client: ReplicationClient, application: NonNullable<Step['application']>): void {
  if (typeof application === 'string') {
    if (application.startsWith('await_sync')) void client.awaitSync('abc')
    else {
      client.federationAck(78)
      client.removePusher('app', 'pk', '@u:x')
    }
    return
  }
  for (const [call, args] of Object.entries(application)) {
    const [a, b, c, d, e, f] = args as string[]
    if (call === 'user_sync') client.userSync(a!, (args[1] as boolean) ? 'start' : 'end', args[2] as number)
    else if (call === 'federation_ack') client.federationAck(args[0] as number)
    else if (call === 'remove_pusher') client.removePusher(a!, b!, c!)
    else if (call === 'invalidate_cache') client.invalidateCache(a!, args[1])
    else {
      const device = e ?? null
      client.userIp({
        user: a!,
        accessToken: b!,
        ip: c!,
        userAgent: d!,
        device,
        lastSeenMs: Number(f),
      })
    }
  }
}

/** JSON may be spaced either way, and an ERROR's text is its sender's own (2.3, 12). */
function comparable(line: string | { closed: true }): unknown {
  if (typeof line !== 'string') return line
  if (line.startsWith('ERROR ')) return 'ERROR'
  return line.replace(/ ([[{].*)$/, (_, json: string) => ` ${JSON.stringify(JSON.parse(json))}`)
}

function deliveredRows(step: Step): { stream: string; token: number; rows: number }[] {
  return (step.callbacks ?? []).flatMap((callback) => {
    if (typeof callback === 'string' || callback.rows === undefined || callback.rows.rows.length === 0)
      return []
    const { stream, token, rows } = callback.rows
    return [{ stream, token, rows: rows.length }]
  })
}

describe('a client in the recorded sessions of a real Synapse client', () => {
  for (const session of sessions) {
    if (session.name in differences) continue
    it(`8: ${session.name}`, async () => {
      const replay = new Replay(session)
      await using client = replay.client
      for (const step of session.steps) {
        const before = replay.delivered.length
        if (step.server === 'connected') await replay.connect()
        else if (step.server === 'closes the connection') replay.link.closeByPeer()
        else if (step.server !== undefined) replay.link.receive(`${step.server.join('\n')}\n`)
        if (step.application !== undefined) applicationCalls(client, step.application)
        await replay.env.clock.advanceAsync(0)
        expect(replay.sent().map(comparable)).toEqual((step.clientSends ?? []).map(comparable))
        expect(replay.delivered.slice(before)).toEqual(deliveredRows(step))
        const finished = step.callbacks?.includes('finishedConnecting') === true
        if (finished) expect<LifecycleState['phase']>(client.state.phase).toBe('ready')
      }
      const positions = client
        .progress()
        .map(({ stream, applied }) => [stream, applied ?? session.positions[stream]])
      expect(Object.fromEntries(positions)).toEqual(session.finalPositions)
    })
  }
})
