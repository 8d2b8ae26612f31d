import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type ClientName, ClientProcess } from './client-process.js'
import type { Scorecard } from './scorecard.js'
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
  const before = await subject.accepted()
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
    const { late, lost } = telegram.stats
    if (subject.migrates) {
      for (const by of ['fin', 'rst'] as const) await telegram.rotate({ by, pause: 30 })
      card.note('its data centre has closed every connection, by FIN and again by RST')
    }
    await pause(200)
    client.tell()
    const called = await client.next(withinMs)
    if (called.kind !== 'called') throw new Error(JSON.stringify(called))
    const { stats } = telegram
    const gone = stats.late - late + stats.lost - lost
    const failed = called.failed.length
    card.promise(
      'its calls are answered',
      called.answered > 0 && failed <= gone,
      `${called.answered} answered, ${failed} not; ${gone} were on their way when Telegram closed`,
    )
    for (const error of called.failed.slice(0, 3)) card.note(error)
    const connections = (await subject.accepted()) - before
    card.promise(
      'it notices nothing',
      connections === 1 || gone > 0,
      `${connections} connection to the proxy`,
    )
  } finally {
    client.kill()
  }
}
