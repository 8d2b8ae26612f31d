import { channel } from 'node:diagnostics_channel'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { nodeEnv } from '../src/node/index.js'
import { collectMetrics, serveMetrics } from '../src/service/index.js'

describe('metrics', () => {
  it('count lifecycles by phase, ends by kind, and every event', async () => {
    using metrics = collectMetrics({ process: false })
    const { trace } = nodeEnv({ name: 'test' })
    const moves = ['idle', 'dialing', 'handshaking', 'ready', 'ready', 'waiting']
    for (let index = 1; index < moves.length; index += 1) {
      trace?.('lifecycle', { kind: 'transition', from: moves[index - 1], to: moves[index] })
    }
    trace?.('lifecycle', { kind: 'transition', from: 'idle', to: 'dialing' })
    trace?.('lifecycle', { kind: 'transition', from: 'dialing', to: 'closed' })
    trace?.('link', { kind: 'ended', why: { kind: 'silent' } })
    trace?.('roster', { kind: 'frozen' })
    const text = await metrics.registry.metrics()
    expect(text).toContain('holdfast_lifecycles{phase="waiting"} 1')
    expect(text).toContain('holdfast_lifecycles{phase="ready"} 0')
    expect(text).toContain('holdfast_lifecycles{phase="dialing"} 0')
    expect(text).not.toContain('phase="closed"')
    expect(text).toContain('holdfast_link_ends_total{kind="silent"} 1')
    expect(text).toContain('holdfast_events_total{channel="roster",kind="frozen"} 1')
    expect(text).toContain('holdfast_events_total{channel="lifecycle",kind="transition"} 7')
  })

  it('stop being collected when disposed of', async () => {
    const metrics = collectMetrics({ process: false })
    const ended = (): void => channel('holdfast:link').publish({ kind: 'ended', why: { kind: 'reset' } })
    const counted = (text: string): unknown =>
      expect.stringContaining(`holdfast_link_ends_total{kind="reset"} ${text}`)
    ended()
    expect(await metrics.registry.metrics()).toEqual(counted('1'))
    metrics[Symbol.dispose]()
    ended()
    expect(await metrics.registry.metrics()).toEqual(counted('1'))
  })

  it('are served at /metrics only, on loopback unless a host is given', async () => {
    const registry = new Registry()
    await using server = await serveMetrics({ at: '0', registry })
    expect(server.uri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/)
    const answer = await fetch(server.uri)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, registry.contentType])
    expect((await fetch(server.uri.replace('metrics', 'other'))).status).toBe(404)
    expect((await fetch(server.uri, { method: 'POST' })).status).toBe(405)
    const at = new URL(server.uri).host
    await expect(serveMetrics({ at, registry })).rejects.toMatchObject({ code: 'HF_LISTEN_FAILED' })
    await using other = await serveMetrics({ at: '[::1]:0', registry })
    expect(other.uri).toMatch(/^http:\/\/\[::1\]:\d+\/metrics$/)
    await server[Symbol.asyncDispose]()
  })

  it('refuse an address without a port', async () => {
    await expect(serveMetrics({ at: 'localhost', registry: new Registry() })).rejects.toThrow(
      'metrics must be HOST:PORT, or a port for loopback, got "localhost"',
    )
  })

  it('answer 500 when a collector fails', async () => {
    const registry = new Registry()
    registry.metrics = () => Promise.reject(new Error('no figures'))
    await using server = await serveMetrics({ at: '127.0.0.1:0', registry })
    expect((await fetch(server.uri)).status).toBe(500)
  })
})
