import type { FakeTelegram } from '../src/testing/index.js'
import { Relay } from '../test/support/relay.js'
import { RunningProxy } from '../test/support/running-proxy.js'

/** What stands between real clients and the embedded Telegram. */
export interface Subject extends AsyncDisposable {
  readonly telegram: FakeTelegram
  readonly port: number
  /** Whether clients survive the end of a connection to Telegram. */
  readonly migrates: boolean
  /** How many connections of clients there have been. */
  accepted(): Promise<number>
  /** How many clients were closed because a packet of theirs was on its way to a connection that ended. */
  midSends(): Promise<number>
}

/** The key of every subject. */
export const key = '00112233445566778899aabbccddeeff'

/** The least that a client takes for a proxy: shows what the embedded Telegram does to a client by itself. */
export async function relaySubject(telegram: FakeTelegram): Promise<Subject> {
  const relay = await Relay.start(telegram, Buffer.from(key, 'hex'))
  return {
    telegram,
    port: relay.port,
    migrates: false,
    accepted: () => Promise.resolve(relay.seen.filter(({ kind }) => kind === 'tunnel').length),
    midSends: () => Promise.resolve(0),
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]()
      await telegram[Symbol.asyncDispose]()
    },
  }
}

/** Our proxy. */
export async function proxySubject(): Promise<Subject> {
  const proxy = await RunningProxy.start({
    telegram: { answers: 'mtproto', dcIds: [1, 2, 3, 4, 5, -1, -2, -3, -4, -5] },
    port: { secret: key },
  })
  return {
    telegram: proxy.telegram,
    port: proxy.port,
    migrates: true,
    accepted: () => proxy.metric('in_connection_total'),
    midSends: () => proxy.metric('downstream_migration_total', { result: 'mid_send' }),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  }
}
