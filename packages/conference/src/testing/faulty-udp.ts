import { type BindUdp, bindUdp } from '../tox/udp-socket.js'

/** Real UDP ports of a host whose network fails on demand: `bind` is for the `bindUdp` of its node. */
export class FaultyUdp {
  /** Nothing goes out or comes in. Nobody is told, as with a cable that is pulled. */
  isDown = false
  /** Packets that were lost by it. */
  lost = 0

  readonly bind: BindUdp = async (at, receive) => {
    const port = await bindUdp(at, (packet, from) => {
      if (this.#passes()) receive(packet, from)
    })
    return {
      address: port.address,
      send: (to, packet) => this.#passes() && port.send(to, packet),
      close: () => port.close(),
    }
  }

  #passes(): boolean {
    if (this.isDown) this.lost += 1
    return !this.isDown
  }
}
