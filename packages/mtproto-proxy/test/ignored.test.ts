import { describe, expect, it } from 'vitest'
import { IgnoredStrangers } from '../src/client/ignored.js'
import { numbered, RunningProxy } from './support/running-proxy.js'

describe('3.6 strangers that are ignored', () => {
  it('are bounded: the one that has been for longest goes first', () => {
    const closed: string[] = []
    const ignored = new IgnoredStrangers(() => 2)
    const stranger = (name: string) => {
      const made = {
        close(code: string) {
          closed.push(`${name} ${code}`)
          ignored.delete(made)
        },
      }
      return made
    }
    const first = stranger('first')
    for (const each of [first, stranger('second'), stranger('third')]) ignored.add(each)
    ignored.delete(first)
    expect([closed, ignored.size]).toEqual([['first crowded-out'], 2])
    ignored.add(stranger('fourth'))
    expect([closed, ignored.size]).toEqual([['first crowded-out', 'second crowded-out'], 2])
  })

  it('take no places of clients, however many they are', async () => {
    await using running = await RunningProxy.start({ config: { max_connections: 64 } })
    const strangers = Array.from({ length: 60 }, () => running.client({ secret: 'f'.repeat(32) }))
    for (const stranger of strangers) void stranger.send(numbered(1))
    while ((await running.metric('protocol_error_total')) < 60) await new Promise(setImmediate)
    const [listener] = running.proxy.state.listeners
    expect(listener?.handshaking).toBe(32)
    const clients = Array.from({ length: 32 }, () => running.client())
    const answers = await Promise.all(clients.map((client) => client.ask(numbered(2))))
    expect(answers.every((answer) => answer !== null)).toBe(true)
  })
})
