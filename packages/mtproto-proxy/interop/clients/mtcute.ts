/** mtcute: a whole key exchange and queries, through every transport. */
import { callUntilTold, clientTask, load, report, runClient } from './client-program.js'

interface Client {
  connect(): Promise<void>
  call(request: { readonly _: string }): Promise<Readonly<Record<string, unknown>>>
  destroy(): Promise<void>
}
interface Mtcute {
  readonly TelegramClient: new (options: object) => Client
  readonly MtProxyTcpTransport: new (options: object) => object
  readonly MemoryStorage: new () => object
  readonly NodeCryptoProvider: new () => { initialize(): Promise<void> }
  readonly addPublicKey: (crypto: object, pem: string) => void
}

const task = clientTask()

await runClient(async () => {
  const node = (await load(task, '@mtcute/node')) as Mtcute
  const utils = {
    ...(await load(task, '@mtcute/core/utils.js')),
    ...(await load(task, '@mtcute/node/utils.js')),
  } as Mtcute
  const core = (await load(task, '@mtcute/core')) as Mtcute
  const crypto = new utils.NodeCryptoProvider()
  await crypto.initialize()
  utils.addPublicKey(crypto, task.publicKey.pem)
  const { host, port, secret } = task
  const client = new node.TelegramClient({
    apiId: 1,
    apiHash: '0'.repeat(32),
    crypto,
    storage: new core.MemoryStorage(),
    transport: new node.MtProxyTcpTransport({ host, port, secret }),
    disableUpdates: true,
    logLevel: 2,
  })
  await client.connect()
  const getConfig = (): Promise<Readonly<Record<string, unknown>>> => client.call({ _: 'help.getConfig' })
  const config = await getConfig()
  report({ kind: 'ready', detail: `exchanged keys; help.getConfig says DC ${String(config['thisDc'])}` })
  await callUntilTold(getConfig)
  await client.destroy()
})
