import { channel } from 'node:diagnostics_channel'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect, it } from 'vitest'
import { end, type LinkScope, lifecycle } from '../src/index.js'
import { nodeEnv } from '../src/node/index.js'
import { traceLifecycles } from '../src/open-telemetry/index.js'
import { type DialPlan, FaultyLink, ScriptedDialer, testEnv } from '../src/testing/index.js'

const opened: Disposable[] = []
afterEach(() => {
  for (const thing of opened.splice(0).reverse()) thing[Symbol.dispose]()
})

/** What is told of a span here: when, relative to the start of the test, in milliseconds. */
interface Told {
  readonly name: string
  readonly from: number
  readonly until: number
  readonly events: readonly string[]
}

function rig(script: readonly DialPlan[], uri = 'tcp://db.example:5432') {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const tracing = traceLifecycles({ tracer: provider.getTracer('test') })
  opened.push(tracing)
  const base = testEnv()
  const { clock } = base
  const begun = clock.wall()
  const dialer = new ScriptedDialer(clock, script)
  const scopes: LinkScope[] = []
  const life = lifecycle({
    env: nodeEnv({ ...base, name: 'db' }),
    dialer,
    endpoints: [{ uri }],
    backoff: () => 100,
    stableAfter: 1000,
    protocol: (scope) => {
      scopes.push(scope)
      return {}
    },
  })
  opened.push({ [Symbol.dispose]: () => life.close() })
  const at = ([seconds, nanos]: readonly [number, number]): number => seconds * 1000 + nanos / 1e6 - begun
  const told = ({ name, startTime, endTime, events }: ReadableSpan): Told => ({
    name,
    from: at(startTime),
    until: at(endTime),
    events: events.map((event) => event.name),
  })
  const spans = (): ReadableSpan[] => exporter.getFinishedSpans()
  return { tracing, clock, dialer, life, scopes, spans, told: () => spans().map(told) }
}

describe('lifecycles as spans', () => {
  it('have one for the dial and one for the link, joined to each other, and the end as an event', () => {
    const { clock, dialer, life, scopes, spans, told } = rig([{ openAfter: 5 }])
    clock.advance(50)
    life.start()
    clock.advance(5)
    clock.advance(20)
    scopes[0]?.ready()
    clock.advance(2000)
    dialer.last.fail(end('reset-by-peer', { code: 'ECONNRESET', detail: 'the peer hung up' }))
    expect(told()).toEqual([
      { name: 'holdfast.dial', from: 50, until: 75, events: ['handshaking'] },
      { name: 'holdfast.link', from: 75, until: 2075, events: ['stable', 'ended'] },
    ])
    const [dial, link] = spans()
    expect(dial).toMatchObject({ kind: SpanKind.CLIENT, status: { code: SpanStatusCode.UNSET } })
    expect(dial?.attributes).toMatchObject({
      'holdfast.name': 'db',
      'holdfast.attempt': 0,
      'holdfast.endpoint': 'tcp://db.example:5432',
    })
    expect(link?.attributes).toEqual({ ...dial?.attributes, 'error.type': 'reset-by-peer' })
    expect(link?.attributes['holdfast.link']).toBe(dialer.last.id)
    expect(link?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'the peer hung up' })
    expect(link?.events[1]?.attributes).toEqual({
      'holdfast.end.kind': 'reset-by-peer',
      'holdfast.end.advice': 'backoff',
      'holdfast.end.code': 'ECONNRESET',
      'holdfast.end.detail': 'the peer hung up',
    })
    expect(link?.links.map(({ context }) => context)).toEqual([dial?.spanContext()])
    expect([dial?.parentSpanContext, link?.parentSpanContext]).toEqual([undefined, undefined])
  })

  it('have one for each dial that fails, with the attempt', () => {
    const { clock, life, spans } = rig([{ refuseAfter: 5 }])
    life.start()
    clock.advance(300)
    const failed = spans().map(({ name, attributes }) => [
      name,
      attributes['holdfast.attempt'],
      attributes['error.type'],
    ])
    expect(failed.slice(0, 2)).toEqual([
      ['holdfast.dial', 0, 'dial-failed'],
      ['holdfast.dial', 1, 'dial-failed'],
    ])
  })

  it('are no errors when the end was asked for, and say since when there was draining', async () => {
    const { clock, life, scopes, spans, told } = rig([{ openAfter: 5 }])
    life.start()
    clock.advance(5)
    scopes[0]?.ready()
    const drained = life.drain({ within: 100 })
    await drained
    expect(told().at(-1)).toMatchObject({ name: 'holdfast.link', events: ['draining', 'ended'] })
    expect(spans().at(-1)?.status.code).toBe(SpanStatusCode.UNSET)
  })

  it('end a dial as superseded when the peer’s link is taken instead', () => {
    const { clock, life, scopes, spans, told } = rig([{}])
    life.start()
    clock.advance(10)
    const to = { uri: 'tcp://peer.example:1' }
    const taken = life.adopt((sink) => {
      const link = new FaultyLink(to, sink)
      link.open()
      return link
    }, to)
    expect(taken).toBe(true)
    scopes.at(-1)?.ready()
    life.close()
    expect(told().map(({ name }) => name)).toEqual(['holdfast.dial', 'holdfast.dial', 'holdfast.link'])
    const [dial, adopted, link] = spans()
    expect(dial?.events.at(-1)?.attributes).toMatchObject({ 'holdfast.end.kind': 'superseded' })
    expect(dial?.status.code).toBe(SpanStatusCode.UNSET)
    expect(adopted?.attributes['holdfast.link']).toBe(link?.attributes['holdfast.link'])
    expect(link?.links[0]?.context).toEqual(adopted?.spanContext())
  })

  it('do not end before they began when the wall clock is set back', () => {
    const { clock, dialer, life, told } = rig([{ openAfter: 5 }])
    life.start()
    clock.stepWall(-3_600_000)
    clock.advance(5)
    dialer.last.fail(end('reset-by-peer'))
    expect(told()[0]).toMatchObject({ from: 0, until: 5 })
  })

  it('leave out what is nobody’s business', () => {
    const { clock, life, spans } = rig([{ refuseAfter: 5 }], 'wss://me:secret@relay.example/?token=secret')
    life.start()
    clock.advance(5)
    const [dial] = spans()
    expect(JSON.stringify([dial?.attributes, dial?.events])).not.toContain('secret')
    expect(dial?.attributes['holdfast.endpoint']).toBe('wss://…@relay.example/?…')
  })

  it('are not made any more, and none stays open, once it is disposed of', () => {
    const { hasSubscribers } = channel('holdfast:noun')
    const { tracing, clock, life, told } = rig([{ openAfter: 5 }])
    life.start()
    clock.advance(1)
    tracing[Symbol.dispose]()
    expect(told()).toEqual([{ name: 'holdfast.dial', from: 0, until: 1, events: [] }])
    clock.advance(100)
    life.close()
    expect(told()).toHaveLength(1)
    expect(channel('holdfast:noun').hasSubscribers).toBe(hasSubscribers)
  })
})
