import type { Address } from '../../src/tox/dht/address.js'
import { type BindUdp, ToxPortError } from '../../src/tox/udp-socket.js'

/** A local network in memory, of hosts that share their ports: what is sent to everybody arrives, and nothing leaves it. */
export class Air {
  readonly #ports = new Map<number, (packet: Uint8Array, from: Address) => void>()
  #next = 50_000

  readonly bind: BindUdp = async (at, receive) => {
    const port = at.port === 0 ? (this.#next += 1) : at.port
    if (this.#ports.has(port)) throw new ToxPortError(at, null)
    this.#ports.set(port, receive)
    const address = { host: '127.0.0.1', port }
    return {
      address,
      send: (to, packet) => {
        const copy = Uint8Array.from(packet)
        setImmediate(() => this.#ports.get(to.port)?.(copy, address))
        return true
      },
      close: async () => void this.#ports.delete(port),
    }
  }
}
