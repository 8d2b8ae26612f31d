import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { HoldfastError } from '@holdfast/core'
import { type Address, addressText } from './dht/address.js'

/** The UDP port cannot be had. Code `HF_TOX_PORT`. */
export class ToxPortError extends HoldfastError {
  override readonly name: string = 'ToxPortError'

  constructor(at: Address, cause: unknown) {
    super('HF_TOX_PORT', `UDP ${addressText(at)} cannot be bound: choose another port, or 0 for any`, {
      cause,
    })
  }
}

/** Bytes that the kernel holds for us while we are busy, if it lets us: real nodes send again only slowly what is lost. */
const receiveBuffer = 2 * 1024 * 1024

/** Bytes that may wait for the kernel, as when a network is choked; what is beyond is lost. */
const mostUnsent = 8 * 1024 * 1024

/** A bound UDP port, as a node uses it. */
export interface UdpPort {
  readonly address: Address
  /** Sends one datagram. False if it does not even leave; whether it arrives nobody knows. */
  send(to: Address, packet: Uint8Array): boolean
  /** Closes it once what was sent is with the kernel. */
  close(): Promise<void>
}

/** Binds a UDP port; what comes in is lent. Rejects if the address is not ours, or taken. */
export type BindUdp = (
  at: Address & { readonly broadcast: boolean },
  receive: (packet: Uint8Array, from: Address) => void,
) => Promise<UdpPort>

/** Binds a port of this host. Rejects with a {@link ToxPortError}. */
export const bindUdp: BindUdp = (at, receive) => UdpSocket.bind(at, receive)

/** One bound UDP socket. What cannot be sent is lost, as on the way. */
class UdpSocket implements UdpPort {
  readonly #socket: Socket
  readonly #is6: boolean
  readonly address: Address
  #isClosing = false

  private constructor(socket: Socket, is6: boolean) {
    this.#socket = socket
    this.#is6 = is6
    const { address, port } = socket.address()
    this.address = { host: address, port }
  }

  /**
   * Binds a socket.
   *
   * @throws {@link ToxPortError} if the address is not ours, or taken
   */
  static bind(
    at: Address & { readonly broadcast: boolean },
    receive: (packet: Uint8Array, from: Address) => void,
  ): Promise<UdpSocket> {
    const is6 = isIPv6(at.host)
    const socket = createSocket({
      type: is6 ? 'udp6' : 'udp4',
      recvBufferSize: receiveBuffer,
      // Addresses are no names: what looks them up would cost more than the packet.
      lookup: (host, _options, found) => found(null, host, is6 ? 6 : 4),
    })
    return new Promise((resolve, reject) => {
      socket.once('error', (cause) => reject(new ToxPortError(at, cause)))
      socket.bind(at.port, at.host, () => {
        socket.removeAllListeners('error')
        // A port that nobody listens on, or a network that is down: the packet is lost.
        socket.on('error', () => undefined)
        if (at.broadcast) socket.setBroadcast(true)
        socket.on('message', (packet, { address, port }) => {
          receive(packet, { host: is6 ? address.replace(/^::ffff:/i, '') : address, port })
        })
        resolve(new UdpSocket(socket, is6))
      })
    })
  }

  send({ host, port }: Address, packet: Uint8Array): boolean {
    const is6 = host.includes(':')
    if ((is6 && !this.#is6) || this.#isClosing || this.#socket.getSendQueueSize() > mostUnsent) return false
    // Nobody waits for what becomes of it: to be told would cost as much again as the kernel's part.
    this.#socket.send(packet, port, this.#is6 && !is6 ? `::ffff:${host}` : host)
    return true
  }

  /** Closes it once what was sent is with the kernel. */
  close(): Promise<void> {
    this.#isClosing = true
    return new Promise((resolve) => {
      const close = (): void => void this.#socket.close(() => resolve())
      if (this.#socket.getSendQueueCount() === 0) close()
      // The kernel takes them in turn: after an empty one to ourselves there is none left.
      else this.#socket.send('', this.address.port, this.address.host, close)
    })
  }
}
