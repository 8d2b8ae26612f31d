/** TDLib, the library of the official apps: pings a proxy, which takes resPQ and no key. */
import { clientTask, load, report, runClient } from './client-program.js'

interface Tdl {
  configure(options: { readonly tdjson: string; readonly verbosityLevel: number }): void
  createBareClient(): {
    invoke(request: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>
  }
}
interface PrebuiltTdlib {
  readonly getTdjson: () => string
}

const task = clientTask()

await runClient(async () => {
  const tdl = (await load(task, 'tdl')) as Tdl
  const { getTdjson } = (await load(task, 'prebuilt-tdlib')) as PrebuiltTdlib
  tdl.configure({ tdjson: getTdjson(), verbosityLevel: 1 })
  const client = tdl.createBareClient()
  await client.invoke({
    _: 'setTdlibParameters',
    api_id: 1,
    api_hash: '0'.repeat(32),
    database_directory: `${task.directory}/tdlib`,
    files_directory: `${task.directory}/tdlib-files`,
    system_language_code: 'en',
    device_model: 'interop',
    application_version: '1',
  })
  const { host: server, port, secret } = task
  const proxy = { _: 'proxy', server, port, type: { _: 'proxyTypeMtproto', secret } }
  const added = await client.invoke({ _: 'addProxy', proxy, enable: true })
  const seconds = await client.invoke({ _: 'pingProxy', proxy })
  const id = typeof added['id'] === 'number' ? `proxy ${added['id']}` : 'the proxy'
  report({
    kind: 'ready',
    detail: `${id} answered a ping in ${(1000 * Number(seconds['seconds'])).toFixed(1)} ms`,
  })
})
