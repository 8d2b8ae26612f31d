import type { Env } from '@holdfast/core'
import { memoryNetwork, type TestEnv, testEnv } from '@holdfast/core/testing'
import {
  type MemorySource,
  memorySource,
  type ReplicationServer,
  type ReplicationServerOptions,
  type ReplicationSource,
  replicationServer,
} from '@holdfast/tcp-replication'
import { RawClient } from '@holdfast/tcp-replication/testing'

/** A server in memory, on a clock that the test moves. */
export interface Served<Source extends ReplicationSource> extends AsyncDisposable {
  readonly env: TestEnv
  readonly source: Source
  readonly server: ReplicationServer
  connect(): Promise<RawClient>
  /** Lets everything arrive that is under way. */
  settle(ms?: number): Promise<void>
}

/** What a test may choose; the rest is as usual. */
export type ServedOptions = Partial<Omit<ReplicationServerOptions, 'env' | 'acceptor' | 'at' | 'source'>> & {
  readonly highWater?: number
  readonly log?: Env['log']
}

export async function serve(
  options?: ServedOptions & { streams?: readonly string[] },
): Promise<Served<MemorySource>> {
  return await serveFrom(
    memorySource({ streams: options?.streams ?? ['events', 'receipts', 'caches'] }),
    options,
  )
}

export async function serveFrom<Source extends ReplicationSource>(
  source: Source,
  { highWater, log, ...options }: ServedOptions = {},
  env: TestEnv = testEnv(log === undefined ? {} : { log }),
): Promise<Served<Source>> {
  const network = memoryNetwork(env.clock, highWater === undefined ? {} : { highWater })
  const at = { uri: 'memory:main' }
  const server = await replicationServer({
    env,
    acceptor: network,
    at,
    source,
    serverName: 'test.example',
    positionEvery: Infinity,
    ...options,
  })
  const settle = (ms = 0): Promise<void> => env.clock.advanceAsync(ms)
  return {
    env,
    source,
    server,
    settle,
    async connect() {
      const client = new RawClient(network, at)
      await settle()
      client.take()
      return client
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
    },
  }
}
