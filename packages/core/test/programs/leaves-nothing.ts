/** Connects lifecycles to listeners over every transport, loses a link, closes all, and must then exit by itself. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { end, type LinkProtocol, type LinkScope, lifecycle, listen } from '@holdfast/core'
import { nodeEnv, sockets } from '@holdfast/core/node'
import { webSocket } from '@holdfast/core/web-socket'
import { cert, key } from '../../../../test-support/certificate.js'

/** Echoes on one side; on the other it is ready when the echo has come back. */
class Echo implements LinkProtocol {
  readonly #scope: LinkScope
  readonly #isServer: boolean

  constructor(scope: LinkScope, isServer: boolean) {
    this.#scope = scope
    this.#isServer = isServer
    if (isServer) scope.ready()
    else scope.link.write('hello')
  }

  data(chunk: Uint8Array): void {
    if (this.#isServer) this.#scope.link.write(new Uint8Array(chunk))
    else this.#scope.ready()
  }

  message(message: Uint8Array | string): void {
    this.data(Buffer.from(message as string))
  }
}

const env = nodeEnv({ name: 'leaves nothing' })
const transport = sockets({ more: { ws: webSocket(), wss: webSocket() } })
const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))

for (const at of [
  { uri: 'tcp://127.0.0.1:0' },
  { uri: `unix:${join(folder, 'a.sock')}` },
  { uri: 'tls://127.0.0.1:0', cert, key },
  { uri: 'ws://127.0.0.1:0/' },
  { uri: 'wss://127.0.0.1:0/', cert, key },
]) {
  const server = await listen({
    env,
    at,
    acceptor: transport,
    protocol: (scope) => new Echo(scope, true),
    limits: { links: 10, handshaking: 10 },
  })
  const client = lifecycle({
    env,
    dialer: transport,
    endpoints: [{ ...server.endpoint, ca: cert }],
    protocol: (scope) => new Echo(scope, false),
    backoff: () => 10,
  })
  client.start()
  await client.whenReady()
  client.restart(end('closed-by-us'))
  await client.whenReady()
  await client.drain()
  await server.drain()
}

rmSync(folder, { recursive: true })
console.log('done')
