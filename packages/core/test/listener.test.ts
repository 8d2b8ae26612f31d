import { fc, test } from '@fast-check/vitest'
import {
  end,
  type LinkProtocol,
  type Listener,
  type ListenerOptions,
  type ListenerState,
  listen,
} from '@holdfast/core'
import { type FaultyLink, testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { Recorder, ScriptedAcceptor } from './link-rig.js'

async function serving<P extends LinkProtocol = Recorder>(options: Partial<ListenerOptions<P>> = {}) {
  const env = testEnv()
  const acceptor = new ScriptedAcceptor()
  const listener = await listen<P>({
    env,
    acceptor,
    at: { uri: 'tcp://0.0.0.0' },
    limits: { links: 3, handshaking: 2 },
    protocol: (scope) => new Recorder(scope) as LinkProtocol as P,
    ...options,
  })
  return { env, clock: env.clock, acceptor, listener }
}

const shy = (): LinkProtocol => ({})

describe('a listener', () => {
  it('serves what comes in, and says where it is bound', async () => {
    const { acceptor, listener } = await serving()
    const link = acceptor.comes()
    link?.receive('hello')
    expect(listener.endpoint.uri).toBe('tcp://0.0.0.0:1234')
    expect([...listener.links.values()].map(({ told }) => told)).toEqual([['data hello']])
    expect(listener.state).toEqual({ phase: 'listening', links: 1, handshaking: 0 })
    listener.close()
    expect(link?.endedByOwner?.kind).toBe('closed-by-us')
  })

  it('logs the ends of links that were out of the ordinary, and those of all others for whoever looks closer', async () => {
    const lines: string[] = []
    const note = (level: string) => (_: object, text: string) => void lines.push(`${level} ${text}`)
    const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
    const { acceptor, listener } = await serving({ env: testEnv({ log }) })
    acceptor.comes()?.closeByPeer()
    acceptor.comes()?.fail(end('reset-by-peer'))
    acceptor.comes()?.fail(end('silent'))
    listener.close()
    expect(lines.slice(0, 3)).toEqual([
      'debug link ended: closed-by-peer',
      'debug link ended: reset-by-peer',
      'info link ended: silent',
    ])
  })

  it('refuses newcomers at its limit of links, and takes them again when one ends', async () => {
    const { acceptor, listener } = await serving()
    const links = [acceptor.comes(), acceptor.comes(), acceptor.comes()]
    expect(listener.state.phase).toBe('full')
    expect(acceptor.comes()).toBeNull()
    links[0]?.closeByPeer()
    expect(acceptor.comes()).not.toBeNull()
    listener.close()
  })

  it('looks at its limits for each newcomer, so that they can be changed', async () => {
    const limits = { links: 1, handshaking: 5 }
    const { acceptor, listener } = await serving({ limits })
    acceptor.comes()
    expect(acceptor.comes()).toBeNull()
    limits.links = 3
    expect(acceptor.comes()).not.toBeNull()
    expect(listener.state.phase).toBe('listening')
    limits.links = 2
    expect(acceptor.comes()).toBeNull()
    expect(listener.state.phase).toBe('full')
    listener.close()
  })

  it('refuses newcomers at its limit of handshakes', async () => {
    const { acceptor, listener } = await serving<LinkProtocol>({ protocol: shy })
    acceptor.comes()
    acceptor.comes()
    expect(listener.state).toEqual({ phase: 'full', links: 0, handshaking: 2 })
    expect(acceptor.comes()).toBeNull()
    listener.close()
  })

  it('counts links by host, whatever the port and the path', async () => {
    const { acceptor, listener } = await serving({ limits: { links: 9, handshaking: 9, perAddress: 1 } })
    expect(acceptor.comes('tcp://192.0.2.1:1000')).not.toBeNull()
    expect(acceptor.comes('tcp://192.0.2.1:2000')).toBeNull()
    expect(acceptor.comes('tcp://[2001:db8::1]:1000')).not.toBeNull()
    expect(acceptor.comes('tcp://[2001:db8::1]:2000')).toBeNull()
    expect(acceptor.comes('ws://192.0.2.2:1000/a')).not.toBeNull()
    expect(acceptor.comes('ws://192.0.2.2:2000/b')).toBeNull()
    acceptor.links[0]?.closeByPeer()
    expect(acceptor.comes('tcp://192.0.2.1:2000')).not.toBeNull()
    listener.close()
  })

  it('ends a link that is not ready in time', async () => {
    const { acceptor, listener, clock } = await serving<LinkProtocol>({ protocol: shy, handshakeWithin: 500 })
    const link = acceptor.comes()
    clock.advance(500)
    expect(link?.endedByOwner?.kind).toBe('handshake-timeout')
    acceptor.comes()?.closeByPeer()
    expect(clock.pending).toBe(0)
    listener.close()
  })

  it('closes when accepting breaks down', async () => {
    const { acceptor, listener } = await serving()
    const link = acceptor.comes()
    acceptor.breaks(new Error('no more descriptors'))
    expect(listener.state.phase).toBe('closed')
    expect(link?.phase).toBe('ended')
  })

  it('links may end while they are iterated over', async () => {
    const { acceptor, listener } = await serving()
    for (let link = 0; link < 3; link += 1) acceptor.comes()
    for (const { scope } of listener.links.values()) scope.fail(end('protocol-error'))
    expect(listener.links.size).toBe(0)
    listener.close()
  })

  it('I10: a protocol that throws harms no other link', async () => {
    let made = 0
    const { acceptor, listener } = await serving<LinkProtocol>({
      protocol: (scope) => {
        made += 1
        if (made === 1) throw new Error('broken')
        scope.ready()
        return {}
      },
    })
    expect(acceptor.comes()?.endedByOwner?.kind).toBe('adapter-threw')
    expect(acceptor.comes()?.isOpen).toBe(true)
    expect(listener.state).toEqual({ phase: 'listening', links: 1, handshaking: 0 })
    listener.close()
  })

  it('takes nobody in the middle of a step, and forgets nobody', async () => {
    const { acceptor, listener } = await serving()
    const came: (FaultyLink | null)[] = []
    listener.state$.subscribe(({ links }) => {
      if (links === 1 && came.length === 0) came.push(acceptor.comes())
    })
    acceptor.comes()
    expect(came).toEqual([null])
    expect(listener.state).toEqual({ phase: 'listening', links: 1, handshaking: 0 })
    listener.close()
  })

  it('gives its address back once, and disposing waits for it', async () => {
    const { acceptor, listener } = await serving()
    listener.close()
    await listener[Symbol.asyncDispose]()
    expect(acceptor.closed).toBe(1)
  })
})

describe('draining a listener', () => {
  it('I11: with nothing to wait for closes at once', async () => {
    const { listener, acceptor } = await serving()
    expect(await listener.drain()).toEqual({ finished: 0, cut: [], took: 0, timedOut: false })
    expect(acceptor.closed).toBe(1)
  })

  it('I11: sums up what became of the work of all links', async () => {
    const { acceptor, listener, clock } = await serving()
    acceptor.comes()
    acceptor.comes()
    const [a, b] = [...listener.links.values()]
    const done = a?.scope.gate.enter('quick')
    b?.scope.gate.enter('slow')
    const drained = listener.drain({ within: 1000 })
    expect(acceptor.comes()).toBeNull()
    done?.done()
    await clock.advanceAsync(1000)
    expect(await drained).toEqual({ finished: 1, cut: ['slow'], took: 1000, timedOut: true })
    expect(b?.told).toEqual(['retire by 1000', 'ended drained'])
    expect(clock.nextAt).toBeNull()
  })

  it('I11: the earlier of two deadlines holds', async () => {
    const { acceptor, listener, clock } = await serving()
    acceptor.comes()
    ;[...listener.links.values()][0]?.scope.gate.enter('slow')
    const drained = [listener.drain({ within: 5000 }), listener.drain({ within: 1000 })]
    await clock.advanceAsync(1000)
    expect((await Promise.all(drained)).map(({ cut }) => cut)).toEqual([['slow'], ['slow']])
  })

  it('without a deadline waits for the work', async () => {
    const { acceptor, listener, clock } = await serving()
    acceptor.comes()
    const ticket = [...listener.links.values()][0]?.scope.gate.enter('slow')
    const drained = listener.drain({ within: Infinity })
    await clock.advanceAsync(3_600_000)
    expect(listener.state.phase).toBe('draining')
    ticket?.done()
    expect(await drained).toMatchObject({ finished: 1, timedOut: false })
  })

  it('a peer that says goodbye is drained alone', async () => {
    const { acceptor, listener, clock } = await serving()
    const link = acceptor.comes()
    acceptor.comes()
    const [first] = listener.links.values()
    first?.scope.gate.enter('slow')
    first?.scope.peerDrains(300)
    await clock.advanceAsync(300)
    expect(link?.endedByOwner?.kind).toBe('drained-by-peer')
    expect(listener.state).toEqual({ phase: 'listening', links: 1, handshaking: 0 })
    listener.close()
  })
})

type Deed = 'comes' | 'ready' | 'ends' | 'enter' | 'advance' | 'drain' | 'close'
const anyDeeds = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom<Deed>('comes', 'ready', 'ends', 'enter', 'advance') },
    fc.constantFrom<Deed>('drain', 'close'),
  ),
  { maxLength: 40 },
)

describe('a listener to which anything is done in any order', () => {
  test.prop([anyDeeds], { numRuns: 250 })(
    'I9, I11, I25: keeps its limits, tells everybody the same, settles its drains, leaves nothing',
    async (deeds) => {
      const limits = { links: 4, handshaking: 2, perAddress: 3 }
      const { acceptor, listener, clock } = await serving<Waiter>({
        limits,
        protocol: (scope) => new Waiter(scope),
        handshakeWithin: 700,
      })
      const told: ListenerState[][] = [[], []]
      for (const list of told) listener.state$.subscribe((state) => list.push(state))
      const drains: Promise<unknown>[] = []
      for (const deed of deeds) {
        perform(deed, { acceptor, listener, drains, advance: () => clock.advance(400) })
        const open = acceptor.links.filter((link) => link.phase !== 'ended')
        const { links, handshaking, phase } = listener.state
        expect(open.length).toBe(phase === 'closed' ? 0 : links + handshaking)
        expect(listener.links.size).toBe(links)
        expect(open.length).toBeLessThanOrEqual(limits.perAddress)
      }
      void listener.drain({ within: 1000 })
      await clock.advanceAsync(1000)
      await Promise.all(drains)
      expect(listener.state.phase).toBe('closed')
      expect(told[1]).toEqual(told[0])
      expect(clock.nextAt).toBeNull()
      expect(acceptor.closed).toBe(1)
    },
  )
})

/** Ready when the test says so. */
class Waiter implements LinkProtocol {
  static readonly unready = new Set<Waiter>()
  heard = 0
  readonly scope: Recorder['scope']
  constructor(scope: Recorder['scope']) {
    this.scope = scope
    Waiter.unready.add(this)
    scope.defer(() => Waiter.unready.delete(this))
  }
  data(): void {
    this.heard += 1
  }
}

interface World {
  readonly acceptor: ScriptedAcceptor
  readonly listener: Listener<Waiter>
  readonly drains: Promise<unknown>[]
  readonly advance: () => void
}

function perform(deed: Deed, { acceptor, listener, drains, advance }: World): void {
  switch (deed) {
    case 'comes':
      acceptor.comes()
      return
    case 'ready':
      for (const waiter of Waiter.unready) {
        Waiter.unready.delete(waiter)
        waiter.scope.ready()
        return
      }
      return
    case 'ends':
      return acceptor.links.find((link) => link.isOpen)?.closeByPeer()
    case 'enter':
      for (const { scope } of listener.links.values()) scope.gate.enter('work')
      return
    case 'advance': {
      advance()
      return
    }
    case 'drain':
      drains.push(listener.drain({ within: 600 }))
      return
    case 'close':
      listener.close()
  }
}

describe('options of a listener', () => {
  it.each<[string, object]>([
    ['acceptor.accept', { acceptor: {} }],
    ['at', { at: { url: 'tcp:' } }],
    ['limits.links', { limits: undefined }],
    ['limits.handshaking', { limits: { links: 1 } }],
    ['limits.perAddress', { limits: { links: 1, handshaking: 1, perAddress: 0 } }],
    ['handshakeWithin', { handshakeWithin: 0 }],
  ])('%s is refused by name', async (field, options) => {
    await expect(serving(options)).rejects.toMatchObject({ code: 'HF_BAD_OPTION', field })
  })
})
