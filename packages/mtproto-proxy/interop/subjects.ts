import { type FakeTelegram, fakeTelegram } from '../src/testing/index.js'
import { counted } from '../test/support/node-process.js'
import { ProxyProcess } from '../test/support/proxy-process.js'
import { Relay } from '../test/support/relay.js'

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

/** Our proxy: the built program in a process of its own, asked by the endpoint that operators have. */
export async function proxySubject(): Promise<Subject> {
  const telegram = await fakeTelegram({ answers: 'mtproto' })
  const proxy = await ProxyProcess.start({
    telegram,
    config: { ports: [{ name: 'main', port: 0, secret: key }] },
  })
  if (proxy.port === 0) throw new Error(`the proxy did not start: ${proxy.log}`)
  const metrics = async (): Promise<string> => (await fetch(`${proxy.admin}/metrics`)).text()
  return {
    telegram,
    port: proxy.port,
    migrates: true,
    accepted: async () => counted(await metrics(), 'in_connection_total', 'listener').get('main') ?? 0,
    midSends: async () =>
      counted(await metrics(), 'downstream_migration_total', 'result').get('mid_send') ?? 0,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await telegram[Symbol.asyncDispose]()
    },
  }
}
