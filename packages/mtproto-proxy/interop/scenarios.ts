import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Scorecard } from '@holdfast/core/service'
import type { ClosedBy } from '../src/testing/index.js'
import { type ClientName, ClientProcess } from './client-process.js'
import type { ClientReport } from './clients/client-program.js'
import { key, type Subject } from './subjects.js'

/** How a client gets to the proxy; its secret says so. */
export type TransportName = 'plain' | 'dd' | 'ee'

/** One client through one transport. */
export interface Scenario {
  readonly client: ClientName
  readonly transport: TransportName
}

/** Which client knows which transport. */
export const scenarios: readonly Scenario[] = [
  ...(['plain', 'dd', 'ee'] as const).map((transport) => ({ client: 'tdlib' as const, transport })),
  ...(['plain', 'dd', 'ee'] as const).map((transport) => ({ client: 'mtcute' as const, transport })),
  // GramJS has no fake-TLS.
  ...(['plain', 'dd'] as const).map((transport) => ({ client: 'gramjs' as const, transport })),
]

const secrets: Readonly<Record<TransportName, string>> = {
  plain: key,
  dd: `dd${key}`,
  ee: `ee${key}${Buffer.from('www.example.com').toString('hex')}`,
}

/** How long a client may take for anything. */
const withinMs = 30_000

/** Has one client connect, call, and go on calling while its data centre closes every connection twice. */
export async function runScenario(
  { client: name, transport }: Scenario,
  o: {
    readonly subject: Subject
    readonly packages: string
    readonly directory: string
    readonly card: Scorecard
  },
): Promise<void> {
  const { subject, card } = o
  const { telegram } = subject
  const directory = join(o.directory, `${name}-${transport}`)
  await mkdir(directory)
  const client = new ClientProcess(name, {
    packages: o.packages,
    directory,
    host: '127.0.0.1',
    port: subject.port,
    secret: secrets[transport],
    publicKey: { pem: telegram.publicKey.pem, fingerprint: String(telegram.publicKey.fingerprint) },
  })
  try {
    const ready = await client.next(withinMs)
    if (ready.kind === 'failed') throw new Error(ready.error)
    card.promise(
      'it reaches Telegram',
      ready.kind === 'ready',
      ready.kind === 'ready' ? ready.detail : ready.kind,
    )
    if (name === 'tdlib') return
    if (!subject.migrates) {
      await pause(300)
      client.ask('stop')
      const called = await client.next(withinMs)
      if (called.kind === 'called')
        card.promise('its calls are answered', called.failed.length === 0, describe(called))
      return
    }
    for (const by of ['fin', 'rst'] as const) await rotate(by, client, subject, card)
  } finally {
    client.kill()
  }
}

type Called = Extract<ClientReport, { kind: 'called' }>

function describe({ answered, failed }: Called): string {
  return `${answered} answered, ${failed.length} not`
}

/** Closes every connection to Telegram in turn, and asks what became of the client's calls. */
async function rotate(by: ClosedBy, client: ClientProcess, subject: Subject, card: Scorecard): Promise<void> {
  const { telegram } = subject
  const before = { ...telegram.stats, accepted: await subject.accepted(), midSends: await subject.midSends() }
  const closed = telegram.dc(2).ready.length
  await telegram.rotate({ by, pause: 30 })
  await pause(200)
  client.ask('count')
  const called = await client.next(withinMs)
  if (called.kind !== 'called') throw new Error(JSON.stringify(called))
  const { stats } = telegram
  const midSends = (await subject.midSends()) - before.midSends
  const connections = (await subject.accepted()) - before.accepted
  // What a RST throws away in the buffers of either side nobody can count: at most one call for each.
  const onTheirWay = by === 'rst' ? closed : stats.late - before.late + stats.lost - before.lost
  card.promise(
    `its calls are answered while Telegram closes every connection by ${by.toUpperCase()}`,
    called.answered > 0 && called.failed.length <= onTheirWay + midSends,
    `${describe(called)}; at most ${onTheirWay} were on their way, ${midSends} had not left`,
  )
  for (const error of called.failed.slice(0, 3)) card.note(error)
  card.promise(
    'it keeps its connection',
    connections === midSends,
    `${connections} more connections to the proxy`,
  )
}
