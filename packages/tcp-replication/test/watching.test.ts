import { join } from 'node:path'
import { collectMetrics } from '@holdfast/core/service'
import { registerClientMetrics, registerServerMetrics } from '@holdfast/tcp-replication'
import { expect, it } from 'vitest'
import { missingIn } from '../../../tools/watching.js'
import { Followed } from './support/followed.js'
import { serve } from './support/served.js'

it('11: dashboard and alerts ask for nothing but what is there', async () => {
  using collected = collectMetrics()
  const { registry } = collected
  await using served = await serve()
  registerServerMetrics(registry, served.server)
  await using followed = new Followed([{ stream: 'typing', from: 1 }])
  registerClientMetrics(registry, followed.client)
  expect(await missingIn(registry, join(import.meta.dirname, '../deploy'))).toEqual([])
})
