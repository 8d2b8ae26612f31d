import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { httpStreamUpdates } from '@holdfast/tcp-replication'
import { describe, expect, it } from 'vitest'
import { Followed, KeptPosition } from './support/followed.js'

const row = '["!r:x",["@a:x"]]'

describe('a client whose server is hostile', () => {
  it('H13.9: keeps the position below a bad row that stopped the stream, whatever POSITION comes', async () => {
    const store = new KeptPosition()
    await using it = new Followed([{ stream: 'typing', from: 0, badRows: 'stop', store }])
    await it.connect()
    await it.says('POSITION typing 0', `RDATA typing 1 ${row}`, 'RDATA typing 2 {', `RDATA typing 3 ${row}`)
    await it.says(
      'POSITION typing 3',
      'ERROR stream typing has lost rows after 1: it begins at 9',
      'POSITION typing 2',
    )
    expect(it.took().filter((line) => line.startsWith('typing 1'))).toHaveLength(1)
    expect(store.value).toEqual({ at: 1 })
    expect(it.client.progress()).toMatchObject([{ stopped: true, applied: 1, durable: 1 }])
  })

  it('H14.5: learns anew what the server speaks when it was replaced by one of the other dialect', async () => {
    await using it = new Followed([{ stream: 'typing', from: 0 }], { dialect: 'auto' })
    await it.connect()
    await it.says('SERVER x', 'POSITION typing 0')
    expect(it.client).toMatchObject({ dialect: 'D1', state: { phase: 'ready' } })
    it.link.closeByPeer()
    for (let attempt = 0; attempt < 2 && it.client.state.phase !== 'ready'; attempt += 1) {
      await it.connect()
      await it.says('SERVER x', 'POSITION typing master 0 0')
    }
    expect(it.client).toMatchObject({ dialect: 'D2', state: { phase: 'ready' } })
  })

  it('H8.6: refuses a user that fits into no line, and says nothing of him on any link', async () => {
    await using it = new Followed([{ stream: 'typing' }])
    expect(() => it.client.userSync('two words', 'start', 1)).toThrow(/user must be/)
    expect(() => it.client.userSync('@u:x', 'start', Number.NaN)).toThrow(/lastSyncMs must be/)
    await it.connect()
    await it.says('POSITION typing 0')
    expect(it.client.state.phase).toBe('ready')
    expect(it.wrote()).toEqual(['NAME w1', 'REPLICATE typing NOW'])
  })

  it('H8.6: drops what cannot be said in the dialect that turns out, rather than every link', async () => {
    await using it = new Followed([{ stream: 'typing' }], { dialect: 'auto' })
    expect(it.client.userSync(`@${'u'.repeat(16_360)}:x`, 'start', 1)).toBe('queued')
    expect(it.client.removePusher('app', 'key', '@u:x')).toBe('queued')
    await it.connect()
    await it.says('POSITION typing master 0 0')
    expect(it.client.state.phase).toBe('ready')
    expect(it.wrote()).toContain('REMOVE_PUSHER app key @u:x')
  })

  it('I25: counts what small rows take beside their text, and reports that a batch is too large', async () => {
    await using it = new Followed([{ stream: 'typing', unread: true }], {
      buffers: { staging: { bytes: 100_000 } },
    })
    await it.connect()
    await it.says('POSITION typing 0')
    await it.says(...Array.from({ length: 5000 }, () => 'RDATA typing batch 1'))
    expect(it.link.isOpen).toBe(false)
    expect(it.problems.at(-1)).toMatchObject({ kind: 'overflow' })
  })

  it('reports an unknown command once on each link', async () => {
    await using it = new Followed([{ stream: 'typing' }])
    await it.connect()
    await it.says(...Array.from({ length: 1000 }, () => 'NONSENSE 1'))
    expect(it.problems).toEqual([{ kind: 'unknown-command', command: 'NONSENSE' }])
  })

  it('H2.2: takes POSITIONs that go up and down for resets, one at a time', async () => {
    let resets = 0
    const pending: (() => void)[] = []
    const reset = (): Promise<void> => {
      resets += 1
      return new Promise((resolve) => pending.push(resolve))
    }
    await using it = new Followed([{ stream: 'typing', from: 0, reset }])
    await it.connect()
    await it.says(...Array.from({ length: 1000 }, (_, n) => `POSITION typing ${n % 2 === 0 ? 9 : 3}`))
    expect(resets).toBe(1)
    expect(it.link.isPaused).toBe(true)
    while (pending.length > 0) {
      for (const resolve of pending.splice(0)) resolve()
      await it.settle()
    }
    expect(it.client.progress()).toMatchObject([{ applied: 3 }])
    expect(resets).toBeLessThan(5)
  })

  it('W2.2: refuses integers that no number holds', async () => {
    await using it = new Followed([{ stream: 'typing' }])
    await it.connect()
    await it.says('POSITION typing 9007199254740992')
    expect(it.wrote().at(-1)).toMatch(/^ERROR failed to parse line.*beyond 2\^53-1/)
  })
})

describe('a client whose application hangs', () => {
  it('I11: drains by the deadline, and names the stream', async () => {
    const never = new Promise<void>(() => undefined)
    const it = new Followed([{ stream: 'typing', from: 0, apply: () => never }])
    await it.connect()
    await it.says('POSITION typing 0', `RDATA typing 1 ${row}`)
    const draining = it.client.drain({ within: 700 })
    await it.settle(700)
    expect(await draining).toMatchObject({ timedOut: true, cut: ['typing'] })
    await it.client[Symbol.asyncDispose]()
  })

  it('I12: settles a drain that a batch waits for', async () => {
    const reports: unknown[] = []
    const it: Followed = new Followed([
      {
        stream: 'typing',
        from: 0,
        apply: async () => void reports.push(await it.client.drain({ within: 100 })),
      },
    ])
    await it.connect()
    await it.says('POSITION typing 0', `RDATA typing 1 ${row}`)
    await it.settle(100)
    expect(reports).toMatchObject([{ timedOut: true, cut: ['typing'] }])
    await it.client[Symbol.asyncDispose]()
  })

  it('can be closed before and within everything', async () => {
    const before = new Followed([{ stream: 'typing' }])
    before.client.close()
    await expect(before.client.whenReady()).rejects.toThrow()
    await expect(before.client.awaitSync('x')).rejects.toMatchObject({ code: 'HF_REPLICATION_CLIENT_ENDED' })
    await before.client.start()
    expect(before.client.state.phase).toBe('closed')
    const within: Followed = new Followed([
      {
        stream: 'typing',
        from: 0,
        apply: () => {
          within.client.close()
        },
      },
    ])
    await Promise.all([within.client.start(), within.client.start()])
    await within.connect()
    await within.says('POSITION typing 0', `RDATA typing 1 ${row}`, `RDATA typing 2 ${row}`)
    expect(within.client.state.phase).toBe('closed')
    await within.client[Symbol.asyncDispose]()
    expect(within.env.clock.pending).toBe(0)
  })
})

describe('a client that fetches what it missed', () => {
  it('H13.11: asks for the next page when this one is applied', async () => {
    const asked: number[] = []
    const applying: (() => void)[] = []
    await using it = new Followed(
      [{ stream: 'typing', from: 0, apply: () => new Promise<void>((resolve) => applying.push(resolve)) }],
      {
        dialect: 'D2',
        updates: (_stream, from) => {
          asked.push(from)
          return Promise.resolve({ updates: [[from + 1, row]], upTo: from + 1 })
        },
      },
    )
    await it.connect()
    await it.says('POSITION typing master 3 3')
    expect(asked).toEqual([0])
    for (const resolve of applying.splice(0)) resolve()
    await it.settle()
    expect(asked).toEqual([0, 1])
    while (asked.length < 3 || applying.length > 0) {
      applying.shift()?.()
      await it.settle()
    }
    expect(it.client.progress()).toMatchObject([{ applied: 3 }])
  })

  it('I11: gives up a link on which no answer comes', async () => {
    let signal: AbortSignal | undefined
    await using it = new Followed([{ stream: 'typing', from: 0 }], {
      dialect: 'D2',
      catchUpStalledAfter: 60_000,
      updates: (_stream, _from, _upTo, given) => {
        signal = given
        return new Promise(() => undefined)
      },
    })
    await it.connect()
    await it.says('POSITION typing master 3 3')
    await it.settle(60_000)
    expect(it.link.endedByOwner).toMatchObject({ kind: 'handshake-timeout' })
    expect(signal?.aborted).toBe(true)
  })
})

describe('missed rows over HTTP', () => {
  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['is no JSON', (response) => response.end('["secret"'), /not JSON$/],
    ['is something else', (response) => response.end('{"rows":[]}'), /updates/],
    [
      'leads elsewhere',
      (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
      /fetch failed/,
    ],
    ['has no end', (response) => endless(response), /more than 67108864 bytes/],
  ])('H14.3: are refused where the answer %s', async (_how, answer, why) => {
    const server = createServer((_request, response) => answer(response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const updates = httpStreamUpdates({ baseUrl: `http://127.0.0.1:${port}`, random: () => 0.5 })
    await expect(updates('typing', 0, 1, new AbortController().signal)).rejects.toThrow(why)
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})

/** Writes for as long as somebody reads. */
function endless(response: ServerResponse): void {
  const chunk = Buffer.alloc(1024 * 1024, 'x')
  const more = (): void => {
    while (response.write(chunk));
  }
  response.on('drain', more)
  more()
}
