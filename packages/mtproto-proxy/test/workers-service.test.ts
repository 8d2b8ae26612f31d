import { testEnv } from '@holdfast/core/testing'
import { expect, it, vi } from 'vitest'
import { Fleet } from '../src/cli/workers/fleet.js'
import { startWorkers } from '../src/cli/workers/start-workers.js'
import { proxySettings } from '../src/config/to-settings.js'
import { secret } from './support/running-proxy.js'

it('a back that is down when links are shown only means that nobody knows the address', async () => {
  const askBack = vi.fn().mockRejectedValue(new Error('the back is being started again'))
  const fleet = { listeners: [], askBack, [Symbol.asyncDispose]: () => Promise.resolve() }
  vi.spyOn(Fleet, 'start').mockResolvedValue(fleet as unknown as Fleet)
  const settings = proxySettings({ ports: [{ name: 'main', port: 0, secret }] })
  const service = await startWorkers({
    env: testEnv(),
    settings,
    reread: () => Promise.resolve(settings),
    signal: new AbortController().signal,
    fronts: 2,
    flags: { logLevel: 'silent', json: undefined, inspect: null },
  })
  expect(await service.externalIp()).toBeUndefined()
  expect(askBack).toHaveBeenCalledOnce()
  await service[Symbol.asyncDispose]?.()
})
