/** A service that does nothing, with everything that the process kit offers. */
import { nodeEnv } from '@holdfast/core/node'
import { addServiceOptions, type ServiceFlags } from '@holdfast/core/program'
import { collectMetrics, createLog, loadConfig, runService, serveMetrics } from '@holdfast/core/service'
import { Command } from 'commander'
import { z } from 'zod'

const command = addServiceOptions(
  new Command('demo').option('--hang', 'never finish draining'),
  'DEMO',
).parse()
const flags = command.opts<ServiceFlags & { hang?: boolean }>()
const log = createLog({ name: 'demo', level: flags.logLevel, json: flags.json })

await runService({
  name: 'demo',
  log,
  json: flags.json === true,
  drainWithin: flags.drainWithin,
  async start() {
    await loadConfig({ schema: z.strictObject({}), prefix: 'DEMO', file: flags.config, env: process.env })
    const { registry } = collectMetrics()
    const server = flags.metrics === undefined ? null : await serveMetrics({ at: flags.metrics, registry })
    nodeEnv({ name: 'demo' }).trace?.('drain', { kind: 'begun' })
    const holds = setInterval(() => {}, 1000)
    log.info({ metrics: server?.uri }, 'started')
    return {
      drain: () =>
        flags.hang === true
          ? new Promise(() => {})
          : Promise.resolve({ finished: 3, cut: [], took: 1234, timedOut: false }),
      async [Symbol.asyncDispose]() {
        clearInterval(holds)
        await server?.[Symbol.asyncDispose]()
      },
    }
  },
})
