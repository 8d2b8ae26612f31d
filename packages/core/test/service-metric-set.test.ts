import { AggregatorRegistry, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { MetricSet } from '../src/service/index.js'

/** Lines of a scrape, without comments. */
async function scraped(registry: Registry): Promise<string[]> {
  const text = await registry.metrics()
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

describe('a set of metrics', () => {
  it('counts by labels, and the same labels give the same count', async () => {
    const registry = new Registry()
    const visits = new MetricSet(registry, 'shop_').counts({
      name: 'visits_total',
      help: 'Visits',
      labels: ['door', 'day'],
    })
    visits('front', 'monday').inc()
    visits('front', 'monday').inc(2)
    visits('back', 'monday').inc()
    expect(await scraped(registry)).toEqual([
      'shop_visits_total{door="front",day="monday"} 3',
      'shop_visits_total{door="back",day="monday"} 1',
    ])
    visits('back', 'monday').inc()
    expect(await scraped(registry)).toContain('shop_visits_total{door="back",day="monday"} 2')
  })

  it('reads a number, a map, or values of labels when it is scraped', async () => {
    const registry = new Registry()
    const metrics = new MetricSet(registry)
    const map = new Map([['a', 1]])
    let guests = 1
    metrics.gauge({ name: 'guests', help: 'Guests' }, () => guests)
    metrics.counter({ name: 'by_name', help: 'By name', labels: ['name'] }, () => map)
    metrics.gauge({ name: 'by_both', help: 'By both', labels: ['x', 'y'] }, () => [[['1', '2'], 3]])
    guests = 7
    map.set('b', 2)
    const lines = ['guests 7', 'by_name{name="a"} 1', 'by_name{name="b"} 2', 'by_both{x="1",y="2"} 3']
    expect(await scraped(registry)).toEqual(lines)
    map.delete('a')
    guests = 0
    expect(await scraped(registry)).toEqual(['guests 0', 'by_name{name="b"} 2', 'by_both{x="1",y="2"} 3'])
  })

  it('sorts values into buckets that include their upper bounds', async () => {
    const registry = new Registry()
    const metrics = new MetricSet(registry)
    const waits = metrics.distributions({ name: 'wait_seconds', help: 'Waits', labels: ['queue'] }, [1, 5])
    for (const value of [0.5, 1, 2, 6]) waits('till').observe(value)
    expect(await scraped(registry)).toEqual([
      'wait_seconds_bucket{le="1",queue="till"} 2',
      'wait_seconds_bucket{le="5",queue="till"} 3',
      'wait_seconds_bucket{le="+Inf",queue="till"} 4',
      'wait_seconds_sum{queue="till"} 9.5',
      'wait_seconds_count{queue="till"} 4',
    ])
  })

  it('says what becomes of the values of several processes', async () => {
    const registries = [1, 2].map((process) => {
      const registry = new Registry()
      const metrics = new MetricSet(registry)
      metrics.gauge({ name: 'up', help: 'Up', aggregator: 'min' }, () => process - 1)
      metrics.counter({ name: 'bytes', help: 'Bytes' }, () => process)
      metrics.distributions({ name: 'size', help: 'Sizes' }, [1])().observe(process)
      return registry
    })
    const all = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()))
    const lines = await scraped(AggregatorRegistry.aggregate(all))
    expect(lines).toEqual(
      expect.arrayContaining(['up 0', 'bytes 3', 'size_sum 3', 'size_bucket{le="+Inf"} 2']),
    )
  })
})
