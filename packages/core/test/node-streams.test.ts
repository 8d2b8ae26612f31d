import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { builtProgram } from '../../../test-support/built-program.js'
import { cert, key } from '../../../test-support/certificate.js'
import { end, type Link } from '../src/index.js'
import { tellFailures } from '../src/node/accept-streams.js'
import { inherited, sockets, tcp, tls, unix } from '../src/node/index.js'
import { StreamWire } from '../src/node/stream-wire.js'
import { WiredLink } from '../src/node/wired-link.js'
import { RecordingSink, VirtualClock } from '../src/testing/index.js'
import { acceptAll, done, rawServer } from './node-helpers.js'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
afterAll(() => rmSync(folder, { recursive: true }))

const drained = end('drained', { detail: 'asked for' })

function dial(transport: ReturnType<typeof tcp>, to: { uri: string; [option: string]: unknown }) {
  const sink = new RecordingSink()
  return { link: transport.dial(to, sink), sink }
}

/** A link whose socket the test has in hand. */
function linkOverSocket(port: number): { link: Link; sink: RecordingSink; socket: Socket } {
  const socket = connect({ port, host: '127.0.0.1' })
  const sink = new RecordingSink()
  const settings = { clock: new VirtualClock(), flushWithin: 5000, highWater: 1 }
  const link = new WiredLink(
    { uri: 'tcp://peer' },
    sink,
    settings,
    (events) => new StreamWire(socket, 'tcp://peer', 'connect', events),
  )
  return { link, sink, socket }
}

/** Wants to go on writing when the peer has finished. */
class HalfOpenSink extends RecordingSink {
  #tell: () => void = () => {}
  readonly peerFinished = new Promise<void>((resolve) => (this.#tell = resolve))

  finished(): boolean {
    this.#tell()
    return true
  }
}

/** Says what its link is by the time that anybody else has a turn. */
class LeavingSink extends RecordingSink {
  link: Link | null = null
  phaseAfterwards: Link['phase'] | null = null

  finished(): boolean {
    process.nextTick(() => (this.phaseAfterwards = this.link?.phase ?? null))
    return false
  }
}

describe('a TCP link', () => {
  it('tells the addresses of both ends while it is open', async () => {
    await using server = await rawServer((socket) => socket.resume())
    const { link, sink } = dial(tcp(), { uri: `tcp://127.0.0.1:${server.port}` })
    expect(link.addresses).toBeUndefined()
    await sink.until('opened')
    const peer = await server.first
    expect(link.addresses).toEqual({
      local: { host: '127.0.0.1', port: peer.remotePort },
      remote: { host: '127.0.0.1', port: server.port },
    })
    link.destroy(done)
  })

  it('goes on to be written to when the peer has finished, if its owner wants that', async () => {
    const heard: Buffer[] = []
    await using server = await rawServer((socket) => socket.on('data', (chunk) => heard.push(chunk)))
    const sink = new HalfOpenSink()
    const link = tcp().dial({ uri: `tcp://127.0.0.1:${server.port}` }, sink)
    await sink.until('opened')
    const peer = await server.first
    peer.end()
    await sink.peerFinished
    expect(link.phase).toBe('open')
    link.write('an answer')
    link.end(done)
    await sink.until('ended')
    await once(peer, 'close')
    expect(Buffer.concat(heard).toString()).toBe('an answer')
    expect(sink.end).toBe(done)
  })

  it('that has finished refuses writes and hears what the peer says, until that has finished too', async () => {
    await using server = await rawServer((socket) => {
      socket.resume().on('end', () => {
        socket.write('after your end')
        socket.end()
      })
    })
    const { link, sink } = dial(tcp(), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('opened')
    link.write('question')
    link.finish?.()
    link.finish?.()
    expect([link.write('more'), link.phase]).toEqual(['refused', 'open'])
    await sink.until('ended')
    expect(Buffer.from(sink.bytes).toString()).toBe('after your end')
    expect(sink.end?.kind).toBe('closed-by-peer')
  })

  it('that is reset while its goodbye is under way lets go of its socket, though there can be no RST any more', async () => {
    await using server = await rawServer((socket) => socket.resume())
    const { link, sink, socket } = linkOverSocket(server.port)
    await sink.until('opened')
    link.finish?.()
    link.reset?.(done)
    expect(link.phase).toBe('ended')
    await once(socket, 'close')
    expect(socket.errored).toBeNull()
  })

  it('refuses a write as soon as the kernel knows that the peer is gone', async () => {
    await using server = await rawServer((socket) => socket.resume())
    const { link, sink } = dial(tcp(), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('opened')
    const peer = await server.first
    peer.resetAndDestroy()
    expect([link.write('lost'), link.accepted, link.phase]).toEqual(['refused', 0, 'open'])
    await sink.until('ended')
    expect(sink.told).toEqual(['opened', 'ended'])
  })

  it('has ended when its peer has finished, before anybody writes to it in vain', async () => {
    await using server = await rawServer((socket) => socket.resume().end())
    const sink = new LeavingSink()
    sink.link = tcp().dial({ uri: `tcp://127.0.0.1:${server.port}` }, sink)
    await sink.until('ended')
    await new Promise(setImmediate)
    expect(sink.phaseAfterwards).toBe('ended')
  })

  it('has ended with the error of its socket, not only when that is closed', async () => {
    await using server = await rawServer((socket) => socket.resume())
    const { link, sink, socket } = linkOverSocket(server.port)
    await sink.until('opened')
    const atError = new Promise<Link['phase']>((resolve) => socket.on('error', () => resolve(link.phase)))
    socket.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
    expect(await atError).toBe('ended')
    expect(sink.end).toMatchObject({ kind: 'reset-by-peer', code: 'ECONNRESET' })
  })

  it('that we reset has ended at once, and the peer sees a reset', async () => {
    await using server = await rawServer((socket) => socket.resume())
    const { link, sink } = dial(tcp(), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('opened')
    const peer = await server.first
    link.reset?.(done)
    link.reset?.(drained)
    expect(sink.told).toEqual(['opened', 'ended'])
    expect(sink.end).toBe(done)
    await expect(once(peer, 'close')).rejects.toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('a TCP link whose peer resets it', () => {
  it('while it is open ends as reset-by-peer with the code', async () => {
    await using server = await rawServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const { link, sink } = dial(tcp(), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('opened')
    link.write('reset me')
    await sink.until('ended')
    expect(sink.end).toMatchObject({ kind: 'reset-by-peer', code: 'ECONNRESET', advice: { kind: 'backoff' } })
    expect(sink.told).toEqual(['opened', 'ended'])
  })

  it('while it is retiring ends with the reason that it was retiring for', async () => {
    const clock = new VirtualClock()
    await using server = await rawServer((socket) => socket.pause())
    const { link, sink } = dial(tcp({ clock }), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('opened')
    link.write(Buffer.alloc(32 * 1_048_576))
    link.end(drained)
    const peer = await server.first
    peer.resetAndDestroy()
    await sink.until('ended')
    expect(sink.end).toBe(drained)
    expect(link.unflushed).toBe(32 * 1_048_576)
    expect(clock.pending).toBe(0)
  })

  it('as soon as it has connected ends once, opened or not', async () => {
    await using server = await rawServer((socket) => socket.resetAndDestroy())
    const { sink } = dial(tcp(), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('ended')
    expect(sink.count('ended')).toBe(1)
    expect(['dial-failed', 'reset-by-peer']).toContain(sink.end?.kind)
  })
})

describe('a half-open TCP connection', () => {
  it('is flushed after the FIN of the peer, and then ends as closed-by-peer', async () => {
    let received = 0
    await using server = await rawServer((socket) => {
      socket.pause()
      socket.end('bye')
    })
    const { link, sink } = dial(tcp(), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('opened')
    const size = 16 * 1_048_576
    link.write(Buffer.alloc(size))
    await sink.until('received')
    const peer = await server.first
    peer.on('data', (chunk: Buffer) => (received += chunk.length)).resume()
    await Promise.all([once(peer, 'end'), sink.until('ended')])
    expect(received).toBe(size)
    expect(sink.end).toMatchObject({ kind: 'closed-by-peer', advice: { kind: 'backoff' } })
    expect(link.unflushed).toBe(0)
    expect(link.write('too late')).toBe('refused')
  })

  it('is closed at once when nothing is left to flush, and the peer hears that as a goodbye', async () => {
    const clock = new VirtualClock()
    await using server = await rawServer((socket) => socket.on('data', () => socket.end('and bye')))
    const { link, sink } = dial(tcp({ clock }), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('opened')
    link.write('hello')
    await sink.until('ended')
    // Nobody is waited for.
    expect(clock.pending).toBe(0)
    const peer = await server.first
    await once(peer, 'close')
    expect([Buffer.from(sink.bytes).toString(), peer.errored]).toEqual(['and bye', null])
  })

  it('does not keep a link that has flushed and said goodbye from ending', async () => {
    await using server = await rawServer((socket) => socket.resume())
    const { link, sink } = dial(tcp(), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('opened')
    link.write('last words')
    link.end(drained)
    await sink.until('ended')
    expect(sink.end).toBe(drained)
    const peer = await server.first
    expect(peer.destroyed).toBe(false)
  })
})

describe('a graceful end', () => {
  it('is cut at its deadline when the peer reads nothing', async () => {
    const clock = new VirtualClock()
    await using server = await rawServer((socket) => socket.pause())
    const { link, sink } = dial(tcp({ clock, flushWithin: 2000 }), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('opened')
    link.write(Buffer.alloc(32 * 1_048_576))
    link.end(drained)
    clock.advance(1999)
    expect(link.phase).toBe('retiring')
    clock.advance(1)
    expect([link.phase, sink.end]).toEqual(['ended', drained])
    expect(link.unflushed).toBeGreaterThan(0)
    expect(clock.pending).toBe(0)
  })

  it('drops the connection at its deadline when the peer never says goodbye', async () => {
    const clock = new VirtualClock()
    await using server = await rawServer((socket) => socket.resume())
    const { link, sink } = dial(tcp({ clock }), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('opened')
    link.end(drained)
    await sink.until('ended')
    const peer = await server.first
    await once(peer, 'end')
    clock.advance(5000)
    // Only a connection that is gone answers a write with RST.
    const gone = new Promise((resolve) => peer.once('close', resolve))
    peer.write('are you there?', () => peer.write('still?'))
    await gone
    expect(sink.count('ended')).toBe(1)
  })

  it('lets go of the connection once the peer has said goodbye too, even if reading was held', async () => {
    const clock = new VirtualClock()
    await using server = await rawServer((socket) => socket.resume().on('end', () => socket.end('too late')))
    const { link, sink } = dial(tcp({ clock }), { uri: `tcp://127.0.0.1:${server.port}` })
    await sink.until('opened')
    link.pause()
    link.end(drained)
    await sink.until('ended')
    while (clock.nextAt !== null) await new Promise((resolve) => setImmediate(resolve))
    expect(sink.told).toEqual(['opened', 'ended'])
  })

  it('refuses a flushWithin that is no duration', () => {
    expect(() => tcp({ flushWithin: 0 })).toThrow(
      'flushWithin must be a number of milliseconds above 0, got 0',
    )
  })
})

describe('a dial', () => {
  it.each([
    ['tcp://127.0.0.1:1', 'ECONNREFUSED'],
    ['tcp://no-such-host.invalid:7000', /ENOTFOUND|EAI_AGAIN/],
    [`unix:${folder}/nobody.sock`, 'ENOENT'],
  ])('to %s ends as dial-failed with the code', async (uri, code) => {
    const { sink } = dial(sockets(), { uri })
    await sink.until('ended')
    expect(sink.end).toMatchObject({ kind: 'dial-failed', advice: { kind: 'backoff' } })
    expect(String(sink.end?.code)).toMatch(code)
    expect(sink.end?.detail).toContain(uri)
  })

  it.each(['tcp:', 'tcp://127.0.0.1', 'nonsense', 'unix:', 'gopher://127.0.0.1:70', 'ws:', 'fd:3'])(
    'to the malformed %s ends as dial-failed with advice never, after it has returned',
    async (uri) => {
      const { link, sink } = dial(sockets(), { uri })
      expect(link.phase).toBe('opening')
      expect(sink.told).toEqual([])
      await sink.until('ended')
      expect(sink.end).toMatchObject({ kind: 'dial-failed', advice: { kind: 'never' } })
    },
  )

  it.each([
    ['tcp', tcp(), 'tls://127.0.0.1:1'],
    ['tls', tls(), 'tcp://127.0.0.1:1'],
  ])(
    'by %s to what is of another scheme ends as dial-failed with advice never',
    async (scheme, dialer, uri) => {
      const { sink } = dial(dialer, { uri })
      await sink.until('ended')
      expect(sink.end).toMatchObject({ kind: 'dial-failed', advice: { kind: 'never' } })
      expect(sink.end?.detail).toContain(`must be ${scheme}://HOST:PORT`)
    },
  )

  it('to a unix path that the kernel would cut short ends as dial-failed with advice never', async () => {
    const { sink } = dial(unix(), { uri: `unix:/tmp/${'x'.repeat(110)}` })
    await sink.until('ended')
    expect(sink.end).toMatchObject({ kind: 'dial-failed', advice: { kind: 'never' } })
    expect(sink.end?.detail).toContain('bytes at most')
  })

  it('goes out from the local address asked for', async () => {
    await using accepting = await acceptAll(tcp(), { uri: 'tcp://127.0.0.1:0' })
    const { link } = dial(tcp(), { ...accepting.endpoint, localAddress: '127.0.0.2' })
    const { remote } = await accepting.next()
    expect(remote).toMatchObject({ address: '127.0.0.2' })
    expect(remote.uri).toMatch(/^tcp:\/\/127\.0\.0\.2:\d+$/)
    link.destroy(done)
  })
})

describe('a TCP connection that meets itself', () => {
  it('is not taken for a link: nobody listens there', async () => {
    // The kernel makes one of a dial from the very port that is dialed.
    const free = createServer().listen(0, '127.0.0.1')
    await once(free, 'listening')
    const { port } = free.address() as AddressInfo
    free.close()
    await once(free, 'close')
    const sink = new RecordingSink()
    const settings = { clock: new VirtualClock(), flushWithin: 5000, highWater: 1 }
    new WiredLink(
      { uri: 'tcp://itself' },
      sink,
      settings,
      (events) =>
        new StreamWire(
          connect({ port, host: '127.0.0.1', localPort: port }),
          'tcp://itself',
          'connect',
          events,
        ),
    )
    await sink.until('ended')
    expect(sink.told).toEqual(['ended'])
    expect(sink.end).toMatchObject({
      kind: 'dial-failed',
      code: 'ECONNREFUSED',
      detail: 'tcp://itself: connected to itself: nobody listens there',
    })
  })
})

describe('a server that breaks', () => {
  it('tells its sink, unless it was only short of descriptors', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const failures: unknown[] = []
    tellFailures(server, { incoming: () => {}, failed: (cause) => failures.push(cause) })
    server.emit('error', Object.assign(new Error('too many'), { code: 'EMFILE' }))
    expect([failures, server.listening]).toEqual([[], true])
    const broken = Object.assign(new Error('broken'), { code: 'EBADF' })
    server.emit('error', broken)
    expect([failures, server.listening]).toEqual([[broken], false])
  })
})

describe('a sink that throws within ended', () => {
  it('harms nobody, and the process is warned', async () => {
    const warned = once(process, 'warning')
    const { sink } = dial(tcp(), { uri: 'tcp://127.0.0.1:1' })
    sink.during = () => {
      throw new Error('a mistake in ended')
    }
    await sink.until('ended')
    expect(((await warned)[0] as Error).message).toBe('a mistake in ended')
  })
})

describe('accepting', () => {
  it('says what to do when the address is taken', async () => {
    await using first = await acceptAll(tcp(), { uri: 'tcp://127.0.0.1:0' })
    await expect(acceptAll(tcp(), { uri: first.endpoint.uri })).rejects.toMatchObject({
      code: 'HF_LISTEN_FAILED',
      message: `cannot listen on ${first.endpoint.uri}: something else is there; stop it, or choose another address (port 0 picks a free one) (EADDRINUSE)`,
      cause: { code: 'EADDRINUSE' },
    })
  })

  it('names the real port, which is free again once close has returned', async () => {
    const first = await acceptAll(tcp(), { uri: 'tcp://127.0.0.1:0', mine: 'kept' })
    expect(first.endpoint).toMatchObject({ mine: 'kept' })
    expect(first.endpoint.uri).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/)
    const { link, sink } = dial(tcp(), first.endpoint)
    const accepted = await first.next()
    await sink.until('opened')
    await first.close()
    await using second = await acceptAll(tcp(), first.endpoint)
    link.write('links that were taken go on')
    await accepted.sink.until('received')
    link.destroy(done)
    accepted.link.destroy(done)
    expect(second.endpoint).toEqual(first.endpoint)
  })

  it('is refused for an address of another host', async () => {
    await expect(acceptAll(tcp(), { uri: 'tcp://192.0.2.1:0' })).rejects.toThrow(
      'this host has no such address',
    )
  })

  it('resets a peer that is taken too late, and says so to whoever was late', async () => {
    let late: (() => Link) | undefined
    const accepting = await tcp().accept(
      { uri: 'tcp://127.0.0.1:0' },
      { incoming: (take) => (late = () => take(new RecordingSink())), failed: () => {} },
    )
    const { sink } = dial(tcp(), accepting.endpoint)
    await sink.until('ended')
    expect(late).toThrow('take a peer once, during the call that announces it')
    await accepting.close()
  })

  it('goes on when its sink throws', async () => {
    const warned = once(process, 'warning')
    const accepting = await tcp().accept(
      { uri: 'tcp://127.0.0.1:0' },
      {
        incoming: () => {
          throw new Error('a mistake in incoming')
        },
        failed: () => {},
      },
    )
    const { sink } = dial(tcp(), accepting.endpoint)
    await sink.until('ended')
    expect(((await warned)[0] as Error).message).toBe('a mistake in incoming')
    await accepting.close()
  })

  it('survives ten thousand links that open and close, and forgets them', async () => {
    const total = 10_000
    let [accepted, ended] = [0, 0]
    const ids = new Set<number>()
    const accepting = await tcp().accept(
      { uri: 'tcp://127.0.0.1:0' },
      {
        incoming(take) {
          const sink = new RecordingSink()
          const link = take(sink)
          ids.add(link.id)
          accepted += 1
          sink.during = (what) => {
            if (what === 'opened') link.write('welcome')
            if (what === 'received') link.end(drained)
            if (what === 'ended') ended += 1
          }
        },
        failed: () => {},
      },
    )
    const one = async (): Promise<void> => {
      const { link, sink } = dial(tcp(), accepting.endpoint)
      await sink.until('received')
      link.write('bye')
      await sink.until('ended')
      expect(sink.end?.kind).toBe('closed-by-peer')
    }
    let started = 0
    const worker = async (): Promise<void> => {
      while (started++ < total) await one()
    }
    await Promise.all(Array.from({ length: 100 }, worker))
    expect([accepted, ended, ids.size]).toEqual([total, total, total])
    await accepting.close()
  }, 60_000)
})

describe('a unix socket file', () => {
  it('that a dead process left behind is replaced', async () => {
    const path = join(folder, 'stale.sock')
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    const child = spawn(process.execPath, ['-e', script])
    await once(child, 'exit')
    await using accepting = await acceptAll(unix(), { uri: `unix:${path}` })
    expect(accepting.endpoint.uri).toBe(`unix:${path}`)
    const { link, sink } = dial(unix(), accepting.endpoint)
    await sink.until('opened')
    link.destroy(done)
  })

  it('on which somebody listens is left alone', async () => {
    const uri = `unix://${join(folder, 'busy.sock')}`
    await using first = await acceptAll(unix(), { uri })
    await expect(acceptAll(unix(), { uri })).rejects.toMatchObject({ code: 'HF_LISTEN_FAILED' })
    const { link, sink } = dial(unix(), first.endpoint)
    await sink.until('opened')
    link.destroy(done)
  })

  it('that is an ordinary file is left alone', async () => {
    const path = join(folder, 'file.sock')
    writeFileSync(path, 'precious')
    await expect(acceptAll(unix(), { uri: `unix:${path}` })).rejects.toMatchObject({
      code: 'HF_LISTEN_FAILED',
    })
  })

  it('in a folder that does not exist is HF_LISTEN_FAILED with the fix', async () => {
    await expect(acceptAll(unix(), { uri: `unix:${folder}/none/x.sock` })).rejects.toThrow(
      /its folder does not exist|not permitted/,
    )
  })
})

describe('an inherited socket', () => {
  it('is accepted on by its number', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    // What an init system does: the listening socket becomes descriptor 3 of the program it starts.
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle
    const program = await builtProgram(new URL('programs/inherited-socket.ts', import.meta.url))
    const child = spawn(process.execPath, [program], {
      stdio: ['ignore', 'pipe', 'inherit', fd],
    })
    const uri = String(((await once(child.stdout!, 'data')) as [Buffer])[0]).trim()
    server.close()
    const { link, sink } = dial(tcp(), { uri })
    await sink.until('opened')
    link.write('hello')
    await sink.until('ended')
    expect(Buffer.from(sink.bytes).toString()).toBe('heard hello')
    await once(child, 'exit')
  }, 20_000)

  it('with a number that is none is HF_LISTEN_FAILED, or a bad option', async () => {
    await expect(acceptAll(inherited(), { uri: 'fd:9999' })).rejects.toMatchObject({
      code: 'HF_LISTEN_FAILED',
    })
    await expect(acceptAll(inherited(), { uri: 'fd:x' })).rejects.toMatchObject({ code: 'HF_BAD_OPTION' })
  })
})

describe('TLS', () => {
  it('refuses a certificate that does not verify, with advice to try again later', async () => {
    await using accepting = await acceptAll(tls(), { uri: 'tls://127.0.0.1:0', cert, key })
    const { sink } = dial(tls(), { uri: accepting.endpoint.uri })
    await sink.until('ended')
    expect(sink.told).toEqual(['ended'])
    expect(sink.end).toMatchObject({
      kind: 'dial-failed',
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      advice: { kind: 'backoff' },
    })
    const far = await accepting.next()
    await far.sink.until('ended')
    expect(far.sink.told.filter((what) => what === 'received')).toEqual([])
  })

  it('verifies the name that was asked for', async () => {
    await using accepting = await acceptAll(tls(), { uri: 'tls://127.0.0.1:0', cert, key })
    const { sink } = dial(tls(), { uri: accepting.endpoint.uri, ca: cert, servername: 'elsewhere.example' })
    await sink.until('ended')
    expect(sink.end).toMatchObject({ kind: 'dial-failed', code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })

  it('refuses a client without the certificate it asks for', async () => {
    const at = { uri: 'tls://127.0.0.1:0', cert, key, ca: cert, requestCert: true, rejectUnauthorized: true }
    await using accepting = await acceptAll(tls(), at)
    const stranger = dial(tls(), { uri: accepting.endpoint.uri, ca: cert })
    await stranger.sink.until('ended')
    const far = await accepting.next()
    await far.sink.until('ended')
    expect(far.sink.told).toEqual(['ended'])
    expect(far.sink.end?.kind).toBe('handshake-refused')
    const known = dial(tls(), { uri: accepting.endpoint.uri, ca: cert, cert, key })
    await known.sink.until('opened')
    const knownHere = await accepting.next()
    await knownHere.sink.until('opened')
    expect(knownHere.link.identity).toBe('localhost')
    expect(known.link.identity).toBe('localhost')
    known.link.destroy(done)
  })

  it('knows nobody by name who showed no certificate, or one that was not verified', async () => {
    const at = { uri: 'tls://127.0.0.1:0', cert, key, requestCert: true, rejectUnauthorized: false }
    await using accepting = await acceptAll(tls(), at)
    for (const shown of [{}, { cert, key }]) {
      const { link, sink } = dial(tls(), { uri: accepting.endpoint.uri, ca: cert, ...shown })
      await sink.until('opened')
      const far = await accepting.next()
      await far.sink.until('opened')
      expect(far.link.identity).toBeUndefined()
      link.destroy(done)
    }
  })

  it('announces a peer before its handshake, and ends its link when it talks nonsense', async () => {
    await using accepting = await acceptAll(tls(), { uri: 'tls://127.0.0.1:0', cert, key })
    const socket = connect(Number(new URL(accepting.endpoint.uri).port), '127.0.0.1')
    socket.on('error', () => {})
    const far = await accepting.next()
    expect([far.link.phase, far.link.write('too early')]).toEqual(['opening', 'refused'])
    far.link.pause()()
    socket.write('GET / HTTP/1.0\r\n\r\n')
    await far.sink.until('ended')
    expect(far.sink.told).toEqual(['ended'])
    expect(far.sink.end).toMatchObject({ kind: 'handshake-refused', code: 'ERR_SSL_HTTP_REQUEST' })
    socket.destroy()
  })

  it('lets go of a peer that is destroyed during its handshake', async () => {
    await using accepting = await acceptAll(tls(), { uri: 'tls://127.0.0.1:0', cert, key })
    const socket = connect(Number(new URL(accepting.endpoint.uri).port), '127.0.0.1')
    socket.on('error', () => {})
    const closed = once(socket, 'close')
    const far = await accepting.next()
    far.link.end(done)
    expect(far.sink.told).toEqual(['ended'])
    socket.resume()
    await closed
  })

  it('dialed to a server that resets during the handshake ends as dial-failed', async () => {
    await using server = await rawServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const { sink } = dial(tls(), { uri: `tls://127.0.0.1:${server.port}` })
    await sink.until('ended')
    expect(sink.end).toMatchObject({ kind: 'dial-failed', code: 'ECONNRESET' })
  })
})
