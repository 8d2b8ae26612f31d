import { Buffer } from 'node:buffer'
import { SplitError } from '@holdfast/mtproto-proxy'
import { SplitDecoder } from '../../src/split/decoder.js'
import { encodeSplitMessage, type SplitMessage } from '../../src/split/messages.js'
import type { FuzzTarget } from './target.js'

const handle = 2 ** 40 + 7
const replayKey = Buffer.alloc(48, 3)
const request = { dcId: -2, ip: Buffer.alloc(16, 9), port: 443, listener: 'main' }
const newcomer = { listener: 'main', secret: 'ann', ip: '192.0.2.1' }

/** As a front and a back talk, each from its greeting on. */
const talks: readonly (readonly SplitMessage[])[] = [
  [
    { kind: 'hello', version: 1, node: 'front-1' },
    { kind: 'ping' },
    { kind: 'open', handle, request: { ...request, adTag: Buffer.alloc(16, 8), format: 'padded' } },
    { kind: 'open', handle: 1, request: { ...request, adTag: null, format: 'abridged' } },
    { kind: 'packet', handle, quickAck: true, payload: Buffer.alloc(400, 4) },
    { kind: 'delivered', handle, packets: 3, bytes: 1200 },
    { kind: 'admit', handle: 2, newcomer: { ...newcomer, sni: 'example.org', replayKey } },
    { kind: 'admit', handle: 3, newcomer: { ...newcomer, sni: null, replayKey: null } },
    { kind: 'transferred', handle: 2, bytes: 4711 },
    { kind: 'leave', handle: 2 },
    { kind: 'close', handle },
  ],
  [
    { kind: 'hello', version: 1, node: 'back' },
    { kind: 'pong' },
    { kind: 'packet', handle, quickAck: false, payload: Buffer.alloc(40, 4) },
    { kind: 'sent', handle },
    { kind: 'hold', handle },
    { kind: 'ready', handle },
    { kind: 'quick-ack', handle, confirm: Buffer.from('01020384', 'hex') },
    { kind: 'verdict', handle: 2, verdict: 'replay_session_detected' },
    { kind: 'quota-used', handle: 2 },
    { kind: 'closed', handle, why: 'park-expired' },
    { kind: 'goodbye', within: 10_000 },
  ],
]

const link: FuzzTarget = {
  name: 'split link',
  seeds: talks.map((talk) => Buffer.concat(talk.map(encodeSplitMessage))),
  run: (pieces) => {
    const decoder = new SplitDecoder()
    const all: string[] = []
    let held = 0
    try {
      for (const piece of pieces) {
        decoder.push(Buffer.from(piece))
        for (let next = decoder.next(); next !== null; next = decoder.next()) all.push(JSON.stringify(next))
        held = Math.max(held, decoder.heldBytes)
      }
    } catch (error) {
      if (!(error instanceof SplitError)) throw error
      all.push(error.message)
    }
    return { held, outcome: all.join('\n') }
  },
  bound: (bytes) => 2 * bytes,
}

/** What the halves of a split proxy say to each other. */
export const splitTargets: readonly FuzzTarget[] = [link]
