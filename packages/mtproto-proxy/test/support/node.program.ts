/** A proxy, or a half of one, in a process of its own: its configuration as JSON. Says its port; asked anything, figures. */
import { type End, silentLog } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { prometheusMetrics, proxyNode, proxySettings } from '@holdfast/mtproto-proxy'
import { Registry } from 'prom-client'
import type { NodeFigures } from './node-process.js'

const ends: Record<string, number> = {}
const log = {
  ...silentLog,
  info({ why }: { readonly why?: End }) {
    if (why !== undefined) ends[why.code ?? why.kind] = (ends[why.code ?? why.kind] ?? 0) + 1
  },
}
const registry = new Registry()
const node = await proxyNode({
  env: nodeEnv({ name: 'node', log }),
  settings: proxySettings(JSON.parse(process.argv[2] ?? '')),
  metrics: prometheusMetrics(registry),
})
await node.start()
process.on('disconnect', () => process.exit())
const tell = async (): Promise<void> => {
  globalThis.gc?.()
  const { listeners, back, fronts } = node.state
  process.send?.({
    resident: process.memoryUsage.rss(),
    clients: listeners[0]?.links ?? fronts.reduce((sum, { clients }) => sum + clients, 0),
    handshaking: listeners[0]?.handshaking ?? 0,
    hasBack: (back?.links.length ?? 0) > 0,
    parked: back?.parked ?? 0,
    ends,
    metrics: await registry.metrics(),
  } satisfies NodeFigures)
}
process.on('message', () => void tell())
process.send?.(Number(node.state.listeners[0]?.endpoint.uri.split(':').at(-1) ?? 0))
