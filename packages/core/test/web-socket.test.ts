import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { type Endpoint, end } from '../src/index.js'
import { RecordingSink, VirtualClock } from '../src/testing/index.js'
import { webSocket } from '../src/web-socket/index.js'
import { acceptAll, done, rawServer } from './node-helpers.js'

const here: Endpoint = { uri: 'ws://127.0.0.1:0/' }

function dial(to: Endpoint, transport = webSocket()) {
  const sink = new RecordingSink()
  return { link: transport.dial(to, sink), sink }
}

async function pair(at: Endpoint = here, dialing: object = {}) {
  const accepting = await acceptAll(webSocket(), at)
  const near = dial({ ...accepting.endpoint, ...dialing })
  const far = await accepting.next()
  await Promise.all([near.sink.until('opened'), far.sink.until('opened')])
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.link.destroy(done)
      await accepting[Symbol.asyncDispose]()
    },
  }
}

/** A server of ws itself whose connections the test plays by hand. */
async function peer(onConnection: (socket: WebSocket) => void) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    onConnection(socket)
  })
  await once(server, 'listening')
  return {
    uri: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('a WebSocket link', () => {
  it('tells strings and bytes as what they were', async () => {
    await using both = await pair()
    both.near.link.write('text')
    both.near.link.write(Buffer.from('bytes'))
    await both.far.sink.until(() => both.far.sink.received.length === 2)
    expect(both.far.sink.received).toEqual(['text', new Uint8Array(Buffer.from('bytes'))])
  })

  it('hears the pong of its ping, and the peer hears the ping', async () => {
    await using both = await pair()
    both.near.link.ping?.()
    await Promise.all([both.near.sink.until('heard'), both.far.sink.until('heard')])
    both.near.link.destroy(done)
    expect(() => both.near.link.ping?.()).not.toThrow()
  })

  it.each([
    [1000, 'closed-by-peer'],
    [1001, 'drained-by-peer'],
    [1002, 'protocol-error'],
    [1008, 'closed-by-peer'],
    [1011, 'closed-by-peer'],
    [1012, 'drained-by-peer'],
    [4321, 'closed-by-peer'],
  ])('that the peer closes with %i ends as %s with that code and the reason', async (code, kind) => {
    await using server = await peer((socket) => socket.close(code, 'its reason'))
    const { sink } = dial({ uri: server.uri })
    await sink.until('ended')
    expect(sink.end).toMatchObject({
      kind,
      code,
      detail: `${server.uri}: its reason`,
      advice: { kind: 'backoff' },
    })
  })

  it('that loses its connection without a close frame ends as reset-by-peer', async () => {
    await using server = await peer((socket) => socket.terminate())
    const { sink } = dial({ uri: server.uri })
    await sink.until('ended')
    expect(sink.end).toMatchObject({ kind: 'reset-by-peer', code: 1006 })
  })

  it.each([
    [end('drained', { code: 4000, detail: 'moved' }), 4000, 'moved'],
    [end('closed-by-us'), 1000, ''],
    [end('drained', { detail: 'ž'.repeat(200) }), 1001, 'ž'.repeat(61)],
    [end('protocol-error', { code: 'ERR_X' }), 1002, ''],
    [end('overflow', { code: 1006 }), 1009, ''],
    [end('adapter-threw'), 1011, ''],
  ])('that ends as %o says so by its close frame', async (why, code, reason) => {
    const closed = new Promise<[number, string]>((resolve) => {
      void (async () => {
        await using server = await peer((socket) =>
          socket.on('close', (number, text) => resolve([number, text.toString()])),
        )
        const { link, sink } = dial({ uri: server.uri })
        await sink.until('opened')
        link.end(why)
        await sink.until('ended')
        expect(sink.end).toBe(why)
      })()
    })
    expect(await closed).toEqual([code, reason])
  })

  it('is dropped at the deadline when the peer does not answer its close frame', async () => {
    const clock = new VirtualClock()
    await using server = await peer((socket) => socket.pause())
    const { link, sink } = dial({ uri: server.uri }, webSocket({ clock }))
    await sink.until('opened')
    link.end(done)
    clock.advance(4999)
    expect(link.phase).toBe('retiring')
    clock.advance(1)
    expect([link.phase, sink.end]).toEqual(['ended', done])
  })

  it('refuses and does not count what is written after the close frame of its peer', async () => {
    await using server = await peer((socket) => {
      socket.pause()
      socket.close(1000)
    })
    const { link, sink } = dial({ uri: server.uri })
    await sink.until('opened')
    let written = 0
    while (link.write('anybody?') !== 'refused') {
      written += 8
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect([link.phase, link.accepted]).toEqual(['open', written])
    link.destroy(done)
  })

  it('ends as overflow when a message exceeds maxPayload', async () => {
    await using both = await pair({ ...here, maxPayload: 1000 })
    both.near.link.write('x'.repeat(1001))
    await both.far.sink.until('ended')
    expect(both.far.sink.end).toMatchObject({ kind: 'overflow', code: 1009 })
    await both.near.sink.until('ended')
    expect(both.near.sink.end).toMatchObject({ kind: 'protocol-error', code: 1009 })
  })

  it('ends as protocol-error when the peer sends no valid frame', async () => {
    await using accepting = await acceptAll(webSocket(), here)
    const { port } = new URL(accepting.endpoint.uri)
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    )
    const far = await accepting.next()
    await far.sink.until('opened')
    await once(socket, 'data')
    socket.write(Buffer.from('ffffffff', 'hex'))
    const [closeFrame] = (await once(socket, 'data')) as [Buffer]
    expect(closeFrame.readUInt16BE(2)).toBe(1002)
    expect([far.link.phase, far.link.write('too late')]).toEqual(['ended', 'refused'])
    socket.destroy()
    await far.sink.until('ended')
    expect(far.sink.end).toMatchObject({ kind: 'protocol-error', code: 'WS_ERR_UNEXPECTED_RSV_2_3' })
  })

  it('tells the messages of one chunk only while nobody holds it', async () => {
    await using server = await peer((socket) => {
      for (let count = 0; count < 10; count += 1) socket.send(String(count))
    })
    const { link, sink } = dial({ uri: server.uri })
    let release = (): void => {}
    sink.during = (what) => {
      if (what === 'received' && sink.received.length === 3) release = link.pause()
    }
    await sink.until(() => sink.received.length === 3)
    expect(sink.received).toEqual(['0', '1', '2'])
    release()
    await sink.until(() => sink.received.length === 10)
    expect(sink.received.join('')).toBe('0123456789')
    link.destroy(done)
  })
})

describe('the opening of a WebSocket', () => {
  it.each([
    ['503 Service Unavailable\r\nRetry-After: 17', 503, { kind: 'after', ms: 17_000 }],
    [
      '429 Too Many Requests\r\nRetry-After: Thu, 01 Jan 2026 00:01:00 GMT',
      429,
      { kind: 'after', ms: 60_000 },
    ],
    ['503 Service Unavailable\r\nRetry-After: soon', 503, { kind: 'backoff' }],
    ['401 Unauthorized', 401, { kind: 'backoff' }],
  ])('answered by %s ends as handshake-refused', async (status, code, advice) => {
    await using server = await rawServer((socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)),
    )
    const { sink } = dial(
      { uri: `ws://127.0.0.1:${server.port}` },
      webSocket({ clock: new VirtualClock(Date.UTC(2026, 0, 1)) }),
    )
    await sink.until('ended')
    expect(sink.told).toEqual(['ended'])
    expect(sink.end).toMatchObject({ kind: 'handshake-refused', code, advice })
  })

  it('answered by no HTTP at all, or by a reset, ends as dial-failed', async () => {
    for (const answer of ['nonsense', null]) {
      await using server = await rawServer((socket) =>
        socket.once('data', () => (answer === null ? socket.resetAndDestroy() : socket.end(answer))),
      )
      const { sink } = dial({ uri: `ws://127.0.0.1:${server.port}` })
      await sink.until('ended')
      expect(sink.end).toMatchObject({ kind: 'dial-failed', advice: { kind: 'backoff' } })
    }
  })

  it('is answered only on the path that is listened on', async () => {
    await using accepting = await acceptAll(webSocket(), { uri: 'ws://127.0.0.1:0/live' })
    const { origin } = new URL(accepting.endpoint.uri.replace('ws', 'http'))
    const elsewhere = dial({ uri: `${origin.replace('http', 'ws')}/other` })
    await elsewhere.sink.until('ended')
    expect(elsewhere.sink.end).toMatchObject({ kind: 'handshake-refused', code: 404 })
    const { link } = dial({ uri: `${accepting.endpoint.uri}?since=7`, headers: { 'X-Token': 'abc' } })
    const { remote } = await accepting.next()
    expect(remote.uri).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/live\?since=7$/)
    expect(remote).toMatchObject({ address: '127.0.0.1', headers: { 'x-token': 'abc' } })
    link.destroy(done)
    expect((await fetch(origin)).status).toBe(426)
  })

  it('answers requests that are no WebSocket as it is told to', async () => {
    const at = {
      ...here,
      answer: (_request: IncomingMessage, response: ServerResponse) => void response.end('a relay'),
    }
    await using accepting = await acceptAll(webSocket(), at)
    const { uri } = accepting.endpoint
    expect(await (await fetch(uri.replace('ws:', 'http:'))).text()).toBe('a relay')
    const { link, sink } = dial({ uri })
    await sink.until('opened')
    link.destroy(done)
  })

  it('that is no valid upgrade is refused, and whoever took it is told', async () => {
    await using accepting = await acceptAll(webSocket(), here)
    const socket = connect(Number(new URL(accepting.endpoint.uri).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400/)
    const far = await accepting.next()
    await far.sink.until('ended')
    expect(far.sink.told).toEqual(['ended'])
    expect(far.sink.end?.kind).toBe('handshake-refused')
    socket.destroy()
  })

  it('agrees on the first subprotocol offered that is spoken here', async () => {
    await using accepting = await acceptAll(webSocket(), { ...here, subprotocols: ['b', 'c'] })
    const client = new WebSocket(accepting.endpoint.uri, ['a', 'c', 'b'])
    await once(client, 'open')
    expect(client.protocol).toBe('b')
    expect(client.extensions).toBe('')
    client.terminate()
  })

  it('is taken from a server that belongs to somebody else, which goes on when we stop', async () => {
    const server = createHttpServer((_request, response) => response.end('a page'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const base = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const accepting = await acceptAll(webSocket(), { uri: `ws://${base}/live`, server })
    const { link, sink } = dial({ uri: `ws://${base}/live` })
    await sink.until('opened')
    await accepting.close()
    expect(await (await fetch(`http://${base}/`)).text()).toBe('a page')
    link.destroy(done)
    server.closeAllConnections()
    server.close()
  })

  it('on an address that is taken is HF_LISTEN_FAILED, and of another scheme a bad option', async () => {
    await using accepting = await acceptAll(webSocket(), here)
    await expect(acceptAll(webSocket(), { uri: accepting.endpoint.uri })).rejects.toMatchObject({
      code: 'HF_LISTEN_FAILED',
    })
    await expect(acceptAll(webSocket(), { uri: 'http://127.0.0.1:0' })).rejects.toMatchObject({
      code: 'HF_BAD_OPTION',
    })
  })
})
