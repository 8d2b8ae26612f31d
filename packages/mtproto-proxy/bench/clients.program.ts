/**
 * Clients in a process of their own: `PORT SECRET TASK AMOUNT`, where a secret of `raw` means no protocol at all. Tasks:
 * `idle` opens AMOUNT, says so, and keeps them; `connect` has clients come, ask once and go for AMOUNT seconds; `bulk` sends
 * AMOUNT megabytes and waits for their echo; `ping` asks AMOUNT times, one after the other, and tells the times.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { testClient } from '@holdfast/mtproto-proxy/testing'

const [portText, secret = '', task, amountText] = process.argv.slice(2)
const port = Number(portText)
const amount = Number(amountText)

interface Client {
  ask(packet: Buffer): Promise<unknown>
  close(): Promise<unknown>
}

/** Asks one after the other: what comes back is counted, not looked at. */
class RawClient implements Client {
  readonly #socket: Socket
  constructor() {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => undefined)
  }
  async ask(packet: Buffer): Promise<void> {
    let missing = packet.length
    const echoed = new Promise<void>((resolve) => {
      const count = (chunk: Buffer): void => {
        missing -= chunk.length
        if (missing > 0) return
        this.#socket.off('data', count)
        resolve()
      }
      this.#socket.on('data', count)
    })
    this.#socket.write(packet)
    await echoed
  }
  async close(): Promise<void> {
    this.#socket.destroy()
    await once(this.#socket, 'close')
  }
}

const open = (): Client =>
  secret === 'raw' ? new RawClient() : testClient({ port, secret, format: 'intermediate' })
const packetOf = (bytes: number): Buffer => randomBytes(bytes)
const small = packetOf(64)

async function idle(): Promise<void> {
  const clients: Client[] = []
  for (let left = amount; left > 0; left -= 50) {
    const some = Array.from({ length: Math.min(50, left) }, open)
    await Promise.all(some.map((client) => client.ask(small)))
    clients.push(...some)
  }
  process.send?.({ opened: clients.length })
}

async function come(): Promise<void> {
  const end = performance.now() + amount * 1000
  const began = performance.now()
  let count = 0
  const turn = async (): Promise<void> => {
    while (performance.now() < end) {
      const client = open()
      await client.ask(small)
      count += 1
      await client.close()
    }
  }
  await Promise.all(Array.from({ length: 32 }, turn))
  process.send?.({ count, seconds: (performance.now() - began) / 1000 })
}

async function bulk(): Promise<void> {
  const packet = packetOf(65_536)
  const each = Math.ceil((amount * 1e6) / packet.length / 8)
  const began = performance.now()
  const turn = async (): Promise<void> => {
    const client = open()
    for (let sent = 0; sent < each; sent += 1) await client.ask(packet)
    await client.close()
  }
  await Promise.all(Array.from({ length: 8 }, turn))
  process.send?.({ bytes: each * 8 * packet.length, seconds: (performance.now() - began) / 1000 })
}

async function ping(): Promise<void> {
  const client = open()
  const times: number[] = []
  for (let turn = 0; turn < amount + 200; turn += 1) {
    const began = performance.now()
    await client.ask(small)
    if (turn >= 200) times.push(performance.now() - began)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.floor(share * times.length)] ?? 0
  process.send?.({ p50: at(0.5), p99: at(0.99) })
}

process.on('disconnect', () => process.exit())
const tasks: Readonly<Record<string, () => Promise<void>>> = { idle, connect: come, bulk, ping }
await tasks[task ?? '']?.()
