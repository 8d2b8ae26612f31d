/**
 * Telegram closes every connection of a proxy with many clients, again and again: who is cut, and what is lost.
 *
 *     node --single-threaded-gc --import tsx --conditions=@holdfast/source packages/mtproto-proxy/test/soak/rotation.ts [clients] [rounds] [setting]
 *
 * Clients, proxy and Telegram are a process each. `closed`: clients whose connection ended. `unread`: packets that Telegram
 * never read: the kernel had taken them for a connection that was closed already (R3), or they went with a client.
 * `unanswered`: packets that it read, whose answer did not arrive: a RST discards what is under way. Clients ask for both
 * again. `ms`: how long an answer took, in the middle. Exits with 1 if a client was closed that was not in the middle of
 * sending, or more of these than connections.
 */
import { type TestClient, testClient } from '@holdfast/mtproto-proxy/testing'
import { counted, NodeProcess } from '../support/node-process.js'
import { secret } from '../support/running-proxy.js'
import { closedOf, talk, talkingClients } from '../support/talking-clients.js'
import { TelegramProcess } from '../support/telegram-process.js'

const clients = Number(process.argv[2] ?? 1000)
const rounds = Number(process.argv[3] ?? 4)
const only = process.argv[4] ?? ''
/** Connections that lived for less than 5 s are not replaced at once; Telegram's live for 30 s. */
const betweenRounds = 5500

interface Row {
  readonly setting: string
  readonly by: 'fin' | 'rst'
  readonly every: number | null
  readonly config: Record<string, unknown>
  /** How long a replacement takes, in milliseconds. */
  readonly slow?: number
}

async function run({ setting, by, every, config, slow = 0 }: Row): Promise<boolean> {
  await using telegram = await TelegramProcess.start({ dcIds: [2] })
  await using proxy = await NodeProcess.start({
    listen_ip: '127.0.0.1',
    ports: [{ name: 'main', port: 0, secret }],
    ...telegram.config,
    ...config,
  })
  const all = await talkingClients({ client: () => testClient({ port: proxy.port, secret }) }, clients)
  const before = await telegram.figures()
  await telegram.behave({ handshakeDelay: slow })
  const stop = every === null ? null : talk(all, every)
  let tookLongest = 0
  for (let round = 0; round < rounds; round += 1) {
    await pause(betweenRounds)
    tookLongest = Math.max(tookLongest, await answerTime(proxy.port))
    await telegram.rotate({ by, pause: 100 })
  }
  const sent = (await stop?.()) ?? 0
  const received = await lastAnswers(all)
  const { requests, connections } = await telegram.figures()
  const { metrics } = await proxy.figures()
  const results = counted(metrics, 'downstream_migration_total', 'result')
  const of = (result: string): number => results.get(result) ?? 0
  const closed = closedOf(all)
  const closings = connections - before.connections
  const asked = requests - before.requests - rounds
  const columns = [
    setting,
    by,
    every ?? 'idle',
    closings,
    closed,
    of('ok'),
    of('parked'),
    of('resent'),
    of('mid_send'),
    of('empty'),
    sent,
    sent - asked,
    asked - received,
    tookLongest.toFixed(1),
  ]
  print(columns)
  for (const client of all) await client[Symbol.asyncDispose]()
  return (
    closed === of('mid_send') && of('empty') === 0 && closed <= closings && (every !== null || closed === 0)
  )
}

/** Waits until nothing comes any more, and tells how many answers came in all. */
async function lastAnswers(all: readonly TestClient[]): Promise<number> {
  const count = (): number => all.reduce((sum, { packets }) => sum + packets.length - 1, 0)
  for (let before = -1; before < count(); ) {
    before = count()
    await pause(1500)
  }
  return count()
}

/** How long an answer takes, in milliseconds, while the others talk. */
async function answerTime(port: number): Promise<number> {
  await using client = testClient({ port, secret })
  await client.until(() => client.phase === 'ready')
  const began = performance.now()
  await client.ask(Buffer.alloc(40, 1))
  return performance.now() - began
}

function print(columns: readonly (string | number)[]): void {
  console.log(columns.map((column, index) => String(column).padEnd(index === 0 ? 26 : 11)).join(''))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

console.log(`${clients} clients, ${rounds} rounds in each of which every connection is closed once`)
print([
  'setting',
  'by',
  'every ms',
  'closings',
  'closed',
  'ok',
  'parked',
  'resent',
  'mid_send',
  'empty',
  'sent',
  'unread',
  'unanswered',
  'ms',
])
const connections = (count: number, resend: boolean): Record<string, unknown> => ({
  init_dc_connections: count,
  clients_per_dc_connection: count === 1 ? 1_000_000 : 300,
  migration: { resend_unsent: resend },
})
let isSound = true
for (const by of ['fin', 'rst'] as const) {
  for (const every of [null, 200, 20]) {
    const rows: Row[] = [
      { setting: 'two connections', by, every, config: connections(2, false) },
      { setting: 'two, resend_unsent', by, every, config: connections(2, true) },
      { setting: 'one connection', by, every, config: connections(1, false) },
      { setting: 'one, replaced after 1 s', by, every, config: connections(1, false), slow: 1000 },
      { setting: 'the same, resend_unsent', by, every, config: connections(1, true), slow: 1000 },
    ]
    for (const row of rows) if (row.setting.includes(only)) isSound = (await run(row)) && isSound
  }
}
if (!isSound) process.exitCode = 1
