import { channel } from 'node:diagnostics_channel'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../src/index.js'
import { OpenedThings } from '../src/service/index.js'

// A copy of its own: whoever ran in this process before may have begun to count.
const copy = '../src/service/watched-metrics.js?fresh'
const { programRegistry, serveWatched, watchedRegistry } = (await import(
  copy
)) as typeof import('../src/service/watched-metrics.js')

const ended = (): void => channel('holdfast:link').publish({ kind: 'ended', why: { kind: 'reset' } })
const counted = (times: number): string => `holdfast_link_ends_total{kind="reset"} ${times}`

describe('the metrics of a program', () => {
  it('are not counted while nobody is to see them, and are one registry for all that do, each event once', async () => {
    const opened = new OpenedThings()
    for (const nowhere of [undefined, null]) {
      expect(watchedRegistry(nowhere)).toBeNull()
      expect(await serveWatched(nowhere, { log: silentLog, opened })).toBeUndefined()
    }
    ended()
    const registry = watchedRegistry('0')
    expect(registry).toBe(programRegistry())
    expect(watchedRegistry(undefined)).toBe(registry)
    ended()
    expect(await registry?.metrics()).toContain(counted(1))
    const uri = await serveWatched('0', { log: silentLog, opened })
    expect(await (await fetch(uri ?? '')).text()).toContain(counted(1))
    const ofSeveral = new Registry()
    ofSeveral.metrics = () => Promise.resolve('of several processes')
    const other = await serveWatched('0', { log: silentLog, opened, metrics: ofSeveral })
    expect(await (await fetch(other ?? '')).text()).toBe('of several processes')
    await opened.close()
    await expect(fetch(uri ?? '')).rejects.toThrow('fetch failed')
  })
})
