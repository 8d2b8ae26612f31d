import { nodeEnv, tcp } from '@holdfast/core/node'
import { seededRandom } from '@holdfast/core/testing'
import { AppendLog, memorySource, type ReplicationRelay, replicationRelay } from '@holdfast/tcp-replication'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { listenOn, quickly, RealFollower } from './support/real.js'

const streams = ['events', 'typing']

async function relayOf(upstream: string, log: AppendLog): Promise<ReplicationRelay> {
  const env = nodeEnv({ name: 'relay' })
  return replicationRelay({
    upstream: { env, dialer: tcp(), endpoints: [{ uri: upstream }], name: 'relay', backoff: quickly },
    downstream: { acceptor: tcp(), at: { uri: 'tcp://127.0.0.1:0' } },
    log,
    from: 0,
  })
}

describe('a relay that dies at any moment', () => {
  it.each([1, 2, 3])(
    'I17, I18: loses no row and makes up none, seed %i',
    { timeout: 60_000 },
    async (seed) => {
      const random = seededRandom(seed)
      const source = memorySource({ streams })
      await using upstream = await listenOn(source)
      await using folder = await temporaryFolder()
      let relay: ReplicationRelay | null = null
      await using follower = new RealFollower(
        () => relay?.server.endpoint.uri ?? 'tcp://127.0.0.1:1',
        streams,
      )
      let token = 0
      const grow = (batches: number): void => {
        for (let n = 0; n < batches; n += 1) {
          token += 1 + Math.floor(random() * 3)
          const rows = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, at) => [token, at])
          for (const stream of streams) source.append(stream, rows, token)
        }
      }
      await follower.client.start()
      for (let life = 0; life < 8; life += 1) {
        const log = await AppendLog.open({ path: folder.path, streams })
        for (const stream of streams) {
          const position = log.position(stream)?.at ?? 0
          expect(log.head(stream)).toBeGreaterThanOrEqual(position)
          // What a position promises is in the log, whole.
          const page = await log.read(stream, 0, position, { bytes: 1e9 })
          const expected = await source.read(stream, 0, position, { bytes: 1e9 })
          expect(JSON.stringify(page)).toBe(JSON.stringify(expected))
        }
        relay = await relayOf(upstream.endpoint.uri, log)
        const turns = Math.floor(random() * 20)
        for (let turn = 0; turn < turns; turn += 1) {
          grow(Math.floor(random() * 20))
          await new Promise((resolve) => setImmediate(resolve))
        }
        // As by kill -9: nothing is drained, and what is staged is forgotten.
        relay.close()
        await log.close()
      }
      await using log = await AppendLog.open({ path: folder.path, streams })
      await using last = await relayOf(upstream.endpoint.uri, log)
      relay = last
      grow(1)
      await follower.until(() =>
        streams.every(
          (stream) => follower.batches.findLast((batch) => batch.stream === stream)?.token === token,
        ),
      )
      for (const stream of streams) {
        const { batches } = (await source.read(stream, 0, token, { bytes: 1e9 })) as Exclude<
          Awaited<ReturnType<typeof source.read>>,
          'too-old'
        >
        const first = new Map<number, readonly string[]>()
        for (const batch of follower.batches) {
          if (batch.stream !== stream) continue
          expect((first.get(batch.token) ?? batch.texts).join()).toBe(batch.texts.join())
          first.set(batch.token, batch.texts)
        }
        expect(JSON.stringify([...first].map(([at, rows]) => ({ token: at, rows })))).toBe(
          JSON.stringify(batches),
        )
      }
      expect(follower.resets).toEqual([])
    },
  )
})

describe('a relay whose disk fails', () => {
  it('H13.8: stops, and says so by `finished`', async () => {
    const source = memorySource({ streams })
    await using upstream = await listenOn(source)
    await using folder = await temporaryFolder()
    const log = await AppendLog.open({ path: folder.path, streams })
    await using relay = await relayOf(upstream.endpoint.uri, log)
    await relay.client.whenReady()
    log.transaction = () => Promise.reject(new Error('no space left on device'))
    source.append('typing', [['x']])
    await expect(relay.finished).rejects.toThrow('no space left')
    expect(relay.client.state.phase).toBe('closed')
    expect(relay.server.state.phase).toBe('closed')
    await log.close()
  })

  it('refuses a log that another relay has open', async () => {
    await using folder = await temporaryFolder()
    await using log = await AppendLog.open({ path: folder.path, streams })
    await expect(AppendLog.open({ path: folder.path, streams: log.streams })).rejects.toMatchObject({
      code: 'HF_STORE_IN_USE',
    })
  })
})
