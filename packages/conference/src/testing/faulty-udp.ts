import type { Address } from '../tox/dht/address.js'
import { type BindUdp, bindUdp } from '../tox/udp-socket.js'

/** Bytes that a kernel holds for a program that does not read, usually. */
const unreadAtMost = 212_992

interface Unread {
  readonly packet: Uint8Array
  readonly hand: (packet: Uint8Array) => void
}

/** Real UDP ports of a host whose network fails on demand: `bind` is for the `bindUdp` of its node. */
export class FaultyUdp {
  /** Nothing goes out or comes in. Nobody is told, as with a cable that is pulled. */
  isDown = false
  /** UDP ports that there is no way to, and none from. Nobody is told. */
  unreachable: ReadonlySet<number> = new Set()
  /** Packets that were lost by it. */
  lost = 0
  /** What waits to be read; `null` while all is read as it comes. */
  #unread: Unread[] | null = null
  #unreadBytes = 0

  readonly bind: BindUdp = async (at, receive) => {
    const port = await bindUdp(at, (packet, from) => {
      if (this.#passes(from)) this.#hand(packet, (read) => receive(read, from))
    })
    return {
      address: port.address,
      send: (to, packet) => this.#passes(to) && port.send(to, packet),
      close: () => port.close(),
    }
  }

  /** Nothing is read any more. What comes waits as in a kernel: what it has no room for is lost. */
  stall(): void {
    this.#unread ??= []
  }

  /** Reads again, first what has waited. */
  resume(): void {
    const unread = this.#unread ?? []
    this.#unread = null
    this.#unreadBytes = 0
    for (const { packet, hand } of unread) hand(packet)
  }

  #passes({ port }: Address): boolean {
    const passes = !this.isDown && !this.unreachable.has(port)
    if (!passes) this.lost += 1
    return passes
  }

  #hand(packet: Uint8Array, hand: (packet: Uint8Array) => void): void {
    if (this.#unread === null) {
      hand(packet)
      return
    }
    this.#unreadBytes += packet.length
    if (this.#unreadBytes > unreadAtMost) this.lost += 1
    else this.#unread.push({ packet: packet.slice(), hand })
  }
}
