import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { nodeEnv, tcp } from '@holdfast/core/node'
import { memorySource, type ReplicationServer, replicationServer } from '@holdfast/tcp-replication'
import { describe, expect, it } from 'vitest'

async function served(): Promise<ReplicationServer> {
  return replicationServer({
    env: nodeEnv({ name: 'main' }),
    acceptor: tcp(),
    at: { uri: 'tcp://127.0.0.1:0' },
    source: memorySource({ streams: ['events', 'typing'] }),
    serverName: 'localhost:8823',
    keepalive: { sendEvery: 100, hearWithin: 300 },
  })
}

/** As netcat would be used. */
async function netcat(server: ReplicationServer): Promise<{ socket: Socket; said: () => string }> {
  const socket = connect({ port: Number(/:(\d+)$/.exec(server.endpoint.uri)?.[1]), host: '127.0.0.1' })
  let heard = ''
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('utf8')))
  await once(socket, 'connect')
  return { socket, said: () => heard }
}

describe('a server on a real socket', () => {
  it('S7.1: speaks to netcat', async () => {
    await using server = await served()
    const { socket, said } = await netcat(server)
    socket.write('NAME test\nREPLICATE events NOW\n')
    while (!said().includes('POSITION')) await once(socket, 'data')
    expect(said().replace(/\d{13}/, '<ms>')).toMatch(
      /^SERVER localhost:8823\nPING <ms>\n(PING \d+\n)*POSITION events 0\n/,
    )
    socket.destroy()
  })

  it('S6: tells a client that has fallen silent why it closes', async () => {
    await using server = await served()
    const { socket, said } = await netcat(server)
    socket.write('PING 1\n')
    socket.on('error', () => undefined)
    await once(socket, 'close')
    expect(said().trimEnd().split('\n').at(-1)).toBe('ERROR ping timeout')
  })
})
