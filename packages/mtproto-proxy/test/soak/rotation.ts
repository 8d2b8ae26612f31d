/**
 * Telegram closes every connection of a proxy with many clients, again and again: who is cut, and what is lost.
 *
 *     pnpm exec tsx --conditions=@holdfast/source packages/mtproto-proxy/test/soak/rotation.ts [clients] [rounds] [setting]
 *
 * `closed`: clients whose connection ended. `lost`: packets without an answer: the kernel had taken them, and Telegram did
 * not read them any more (R3); clients ask again. More here than in life, as clients, proxy and Telegram share one event
 * loop, and a close is noticed only after all that went before it. Exits with 1 if a client was closed that
 * had nothing under way.
 */
import { RunningProxy, type RunningProxyOptions } from '../support/running-proxy.js'
import { closedOf, migrationsOf, talk, talkingClients } from '../support/talking-clients.js'

const clients = Number(process.argv[2] ?? 1000)
const rounds = Number(process.argv[3] ?? 4)
const only = process.argv[4] ?? ''

interface Row {
  readonly setting: string
  readonly by: 'fin' | 'rst'
  readonly every: number | null
  readonly options: RunningProxyOptions
  /** How long a replacement takes, in milliseconds. */
  readonly slow?: number
}

async function run({ setting, by, every, options, slow = 0 }: Row): Promise<boolean> {
  await using running = await RunningProxy.start({ ...options, centers: { stableAfter: 10 } })
  const all = await talkingClients(running, clients)
  const answered = running.telegram.stats.answered
  running.telegram.rules.handshakeDelay = slow
  const stop = every === null ? null : talk(all, every)
  for (let round = 0; round < rounds; round += 1) await running.telegram.rotate({ by, pause: 100 })
  const sent = (await stop?.()) ?? 0
  // What was on its way arrives.
  await new Promise((resolve) => setTimeout(resolve, 500))
  const closed = closedOf(all)
  const { ok, parked, resent, mid_send, empty } = await migrationsOf(running)
  const lost = sent - (running.telegram.stats.answered - answered)
  const columns = [setting, by, every ?? 'idle', closed, ok, parked, resent, mid_send, empty, sent, lost]
  console.log(columns.map((column, index) => String(column).padEnd(index === 0 ? 28 : 9)).join(''))
  return closed === mid_send && empty === 0
}

const names = [
  'setting',
  'by',
  'every ms',
  'closed',
  'ok',
  'parked',
  'resent',
  'mid_send',
  'empty',
  'sent',
  'lost',
]
console.log(`${clients} clients, ${rounds} rounds in each of which every connection is closed once`)
console.log(names.map((name, index) => name.padEnd(index === 0 ? 28 : 9)).join(''))
const connections = (count: number, resend: boolean): RunningProxyOptions => ({
  config: {
    init_dc_connections: count,
    clients_per_dc_connection: count === 1 ? 1_000_000 : 300,
    migration: { resend_unsent: resend },
  },
})
let isSound = true
for (const by of ['fin', 'rst'] as const) {
  for (const every of [null, 200, 20]) {
    const rows: Row[] = [
      { setting: 'two connections', by, every, options: connections(2, false) },
      { setting: 'two, resend_unsent', by, every, options: connections(2, true) },
      { setting: 'one connection', by, every, options: connections(1, false) },
      { setting: 'one, replaced after 1 s', by, every, options: connections(1, false), slow: 1000 },
      { setting: 'the same, resend_unsent', by, every, options: connections(1, true), slow: 1000 },
    ]
    for (const row of rows) if (row.setting.includes(only)) isSound = (await run(row)) && isSound
  }
}
if (!isSound) process.exitCode = 1
