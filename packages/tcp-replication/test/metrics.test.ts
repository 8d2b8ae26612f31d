import { end } from '@holdfast/core'
import { registerClientMetrics, registerServerMetrics } from '@holdfast/tcp-replication'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { Followed } from './support/followed.js'
import { serve } from './support/served.js'

/** Twice, because what is read off must not add up. */
async function readOff(registry: Registry): Promise<string[]> {
  await registry.metrics()
  return (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#'))
}

describe('metrics', () => {
  it('11: of a server have the names of 2019, and tell how far each connection is behind', async () => {
    await using it = await serve({ highWater: 100 })
    const registry = new Registry()
    registerServerMetrics(registry, it.server)
    const client = await it.connect()
    client.send('NAME w1', 'PING 1', 'REPLICATE events NOW', 'USER_SYNC @u:x start 1')
    await it.settle()
    const release = client.link.pause()
    for (let token = 1; token <= 3; token += 1) {
      it.source.append('events', [['x'.repeat(200)]], token)
      await it.settle()
    }
    const id = it.server.connections()[0]?.connectionId
    expect(await readOff(registry)).toEqual(
      expect.arrayContaining([
        'synapse_replication_tcp_protocol_inbound_commands{command="NAME"} 1',
        'synapse_replication_tcp_protocol_outbound_commands{command="POSITION"} 1',
        'synapse_replication_tcp_resource_stream_updates{stream_name="events"} 3',
        'synapse_replication_tcp_resource_user_sync 1',
        'synapse_replication_tcp_resource_total_connections 1',
        'synapse_replication_tcp_resource_connections_per_stream{stream_name="events"} 1',
        'holdfast_replication_server_position{stream_name="events"} 3',
        `holdfast_replication_server_lag{name="w1-${id}",stream_name="events"} 2`,
        'holdfast_replication_server_failed_to_keep_up_total 0',
      ]),
    )
    release()
    client.link.destroy(end('closed-by-us'))
    await it.settle(10)
    expect(await readOff(registry)).toContain('synapse_replication_tcp_resource_total_connections 0')
  })

  it('11: of a client tell what came, how far it is, and what went wrong', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }])
    const registry = new Registry()
    registerClientMetrics(registry, it.client)
    await it.connect()
    await it.says('RDATA typing batch ["!r:x",[]]', 'RDATA typing 2 ["!r:x",[]]', 'RDATA typing 3 ["short"]')
    expect(await readOff(registry)).toContain('holdfast_replication_client_ready 0')
    await it.says('POSITION typing 3')
    expect(await readOff(registry)).toEqual(
      expect.arrayContaining([
        'synapse_replication_tcp_protocol_inbound_rdata_count{stream_name="typing"} 2',
        'holdfast_replication_client_deliveries_total{stream_name="typing"} 1',
        'holdfast_replication_client_problems_total{kind="bad-row"} 1',
        'holdfast_replication_client_inbound_commands_total{command="RDATA"} 3',
        'holdfast_replication_client_ready 1',
        'holdfast_replication_client_position{stream_name="typing"} 3',
        'holdfast_replication_client_lag{stream_name="typing"} 0',
      ]),
    )
  })

  it('11: of a client tell what came twice, and how long ago the last line came', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }], { dialect: 'D2' })
    const registry = new Registry()
    registerClientMetrics(registry, it.client)
    const age = 'holdfast_replication_client_last_line_age_seconds'
    await it.settle(7000)
    expect(await readOff(registry)).toContain(`${age} 7`)
    await it.connect()
    await it.says('POSITION typing master 1 1', 'RDATA typing master 2 ["!r:x",[]]')
    await it.says('RDATA typing master batch ["!r:x",[]]', 'RDATA typing master 2 ["!r:x",[]]')
    await it.settle(3000)
    expect(await readOff(registry)).toEqual(
      expect.arrayContaining([
        'holdfast_replication_client_duplicates_total{stream_name="typing"} 2',
        'synapse_replication_tcp_protocol_inbound_rdata_count{stream_name="typing"} 1',
        `${age} 3`,
      ]),
    )
  })
})
