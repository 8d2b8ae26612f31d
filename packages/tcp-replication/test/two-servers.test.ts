import { nodeEnv, tcp } from '@holdfast/core/node'
import { memorySource, replicationClient } from '@holdfast/tcp-replication'
import { describe, expect, it } from 'vitest'
import { listenOn, quickly } from './support/real.js'

describe('two servers with one log', () => {
  it('H13.8: a client moves from one to the other without a gap', async () => {
    const source = memorySource({ streams: ['events'] })
    const first = await listenOn(source)
    await using second = await listenOn(source)
    const tokens: number[] = []
    let reached = { token: 0, resolve: (): void => undefined }
    const until = (token: number): Promise<void> =>
      new Promise((resolve) => {
        reached = { token, resolve }
        if (tokens.includes(token)) resolve()
      })
    await using client = replicationClient({
      env: nodeEnv({ name: 'w1' }),
      dialer: tcp(),
      endpoints: [first.endpoint, second.endpoint],
      name: 'w1',
      backoff: quickly,
      streams: [
        {
          stream: 'events',
          from: 0,
          unread: true,
          apply: ({ token }) => {
            tokens.push(token)
            if (token >= reached.token) reached.resolve()
          },
        },
      ],
    })
    await client.start()
    for (let token = 1; token <= 100; token += 1) source.append('events', [[token]])
    await until(100)
    first.close()
    for (let token = 101; token <= 200; token += 1) source.append('events', [[token]])
    await until(200)
    await first[Symbol.asyncDispose]()
    expect(second.state.links).toBe(1)
    expect(tokens).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
  })
})
