/** GramJS: a whole key exchange and queries. It knows no fake-TLS. */
import { createPublicKey } from 'node:crypto'
import { callUntilTold, clientTask, load, report, runClient } from './client-program.js'

interface Client {
  connect(): Promise<boolean>
  invoke(request: object): Promise<Readonly<Record<string, unknown>>>
  setLogLevel(level: string): void
  readonly session: { setDC(id: number, host: string, port: number): void }
}
interface Gramjs {
  readonly TelegramClient: new (session: object, apiId: number, apiHash: string, options: object) => Client
  readonly Api: { readonly help: { readonly GetConfig: new () => object } }
}
type BigInteger = (value: string, base?: number) => object

const task = clientTask()

await runClient(async () => {
  const { TelegramClient, Api } = (await load(task, 'telegram')) as Gramjs
  const { MemorySession } = (await load(task, 'telegram/sessions/index.js')) as {
    readonly MemorySession: new () => { setDC(id: number, host: string, port: number): void }
  }
  const { ConnectionTCPMTProxyAbridged } = (await load(
    task,
    'telegram/network/connection/TCPMTProxy.js',
  )) as {
    readonly ConnectionTCPMTProxyAbridged: object
  }
  const rsa = (await load(task, 'telegram/crypto/RSA.js')) as { readonly _serverKeys: Map<string, object> }
  const bigInt = ((await load(task, 'big-integer')) as { readonly default: BigInteger }).default
  const { n = '' } = createPublicKey(task.publicKey.pem).export({ format: 'jwk' })
  const modulus = bigInt(Buffer.from(n, 'base64url').toString('hex'), 16)
  const fingerprint = BigInt.asIntN(64, BigInt(task.publicKey.fingerprint)).toString()
  rsa._serverKeys.set(fingerprint, { n: modulus, e: 65_537 })
  const session = new MemorySession()
  session.setDC(2, '127.0.0.1', 443)
  const { host: ip, port, secret } = task
  const client = new TelegramClient(session, 1, '0'.repeat(32), {
    connection: ConnectionTCPMTProxyAbridged,
    proxy: { ip, port, secret, MTProxy: true },
    connectionRetries: 2,
    autoReconnect: true,
  })
  client.setLogLevel('error')
  await client.connect()
  const getConfig = (): Promise<Readonly<Record<string, unknown>>> => client.invoke(new Api.help.GetConfig())
  const config = await getConfig()
  report({ kind: 'ready', detail: `exchanged keys; help.getConfig says DC ${String(config['thisDc'])}` })
  await callUntilTold(getConfig)
})
