import { join } from 'node:path'
import { collectMetrics } from '@holdfast/core/service'
import { expect, it } from 'vitest'
import { missingIn } from '../../../tools/watching.js'
import { registerFigures } from '../src/metrics/figures.js'
import { prometheusMetrics } from '../src/metrics/prometheus-metrics.js'

it('12 dashboard and alerts ask for nothing but what is there', async () => {
  using collected = collectMetrics()
  const { registry } = collected
  prometheusMetrics(registry)
  registerFigures(registry, {
    version: '1.2.3',
    read: () => ({ connections: {}, dataCenters: [], fronted: 0 }),
  })
  expect(await missingIn(registry, join(import.meta.dirname, '../deploy'))).toEqual([])
})
