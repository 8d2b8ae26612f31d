import { Buffer } from 'node:buffer'
import {
  decodeMiddleMessage,
  decodeProxyMessage,
  FrameError,
  FrameReader,
  FrameWriter,
  MiddleHandshake,
  parseIp,
  parseProxyConfig,
  RpcError,
} from '@holdfast/mtproto-proxy'
import type { FuzzTarget } from './target.js'

const fill = (size: number): Buffer => Buffer.alloc(size, 0x5a)

const frames: FuzzTarget = {
  name: 'full frames',
  seeds: [
    Buffer.concat(
      [1, 4, 200].map((words) =>
        Buffer.from(new FrameWriter({ seq: words === 1 ? -2 : 0 }).write(fill(4 * words))),
      ),
    ),
  ],
  run: (pieces) => {
    const reader = new FrameReader({ verify: false })
    const all: string[] = []
    let held = 0
    for (const piece of pieces) {
      reader.feed(Buffer.from(piece))
      for (let next = reader.next(); next !== null; next = reader.next()) {
        if (next instanceof FrameError) return { held, outcome: [...all, next.problem].join('\n') }
        all.push(next.toString('hex'))
      }
      held = Math.max(held, reader.heldBytes)
    }
    return { held, outcome: all.join('\n') }
  },
  // What is set aside for a frame of which only the length has come.
  bound: (bytes) => Math.max(65_536, 2 * bytes),
}

const messages: FuzzTarget = {
  name: 'RPC messages',
  seeds: [0x4403_da0d, 0x3bac_409b, 0x5eb6_34a2, 0x5730_a2df, 0x8430_eaa7, 0x36ce_f1ee, 0x1fcf_425d].map(
    (type) => {
      const body = fill(100)
      body.writeUInt32LE(type)
      return body
    },
  ),
  run: (pieces) => {
    const body = Buffer.concat(pieces)
    const outcome = [decodeMiddleMessage, decodeProxyMessage].map((decode) => {
      const message = decode(body)
      return message instanceof RpcError ? message.message : message.kind
    })
    return { held: 0, outcome: outcome.join(' ') }
  },
  bound: () => 0,
}

const handshake: FuzzTarget = {
  name: 'middle handshake',
  seeds: [
    new FrameWriter().write(
      Buffer.concat([Buffer.from('aa87cb7a5a5a5a5a0100000000000000', 'hex'), fill(16)]),
    ),
  ],
  run: (pieces) => {
    const ip = parseIp('192.0.2.1') ?? fill(16)
    const machine = new MiddleHandshake({
      proxySecret: fill(128),
      clientNonce: fill(16),
      timestamp: 0,
      server: { ip, port: 8888 },
      client: { ip, port: 40_000 },
    })
    const kinds = pieces.flatMap((piece) => machine.push(piece, 0).map(({ kind }) => kind))
    return { held: 0, outcome: kinds.join(' ') }
  },
  bound: () => 0,
}

const configuration: FuzzTarget = {
  name: "Telegram's configuration",
  seeds: [
    Buffer.from('# c\ndefault 2;\nproxy_for 1 149.154.175.50:8888;\nproxy_for -1 [2001:db8::1]:8888;\n'),
  ],
  run: (pieces) => {
    const { datacenters } = parseProxyConfig(Buffer.concat(pieces).toString('latin1'))
    return { held: 0, outcome: String(datacenters.size) }
  },
  bound: () => 0,
}

/** Everything that Telegram, or somebody in its place, sends us. */
export const telegramTargets: readonly FuzzTarget[] = [frames, messages, handshake, configuration]
