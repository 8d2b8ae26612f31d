import type { Address } from './dht/address.js'
import { type BindUdp, ToxPortError, type UdpPort } from './udp-socket.js'

/** Where nodes of the local network listen, and are called (spec 12.7). */
const lanPorts: readonly number[] = Array.from({ length: 11 }, (_, at) => 33_445 + at)

/** Who is called: everybody on the local network, and on this host, which may have none. */
export const lanAddresses: readonly Address[] = ['127.0.0.1', '255.255.255.255'].flatMap((host) =>
  lanPorts.map((port) => ({ host, port })),
)

/**
 * Binds one of the ports that are called, by chance, because a node that starts again is found fastest on another one; any
 * other if all of them are taken.
 */
export async function bindLanPort(
  bind: BindUdp,
  [at, receive]: Parameters<BindUdp>,
  random: () => number,
): Promise<UdpPort> {
  const first = Math.floor(random() * lanPorts.length)
  for (const port of [...lanPorts.slice(first), ...lanPorts.slice(0, first)]) {
    try {
      return await bind({ ...at, port }, receive)
    } catch (cause) {
      if (!(cause instanceof ToxPortError)) throw cause
    }
  }
  return bind(at, receive)
}
