import { type Endpoint, end, type Millis, type Off } from '@holdfast/core'
import { type DialPlan, type FaultyLink, ScriptedDialer, type TestEnv, testEnv } from '@holdfast/core/testing'
import { noMetrics } from '../../src/metrics/no-metrics.js'
import type { MigrationResult } from '../../src/metrics/types.js'
import type { DataCenterSettings } from '../../src/telegram/data-center-settings.js'
import {
  type DataCentersOptions,
  dataCenters,
  type LocalDataCenters,
} from '../../src/telegram/data-centers.js'
import { MiddleProxyHandshake } from '../../src/testing/middle-proxy-handshake.js'
import type { Tunnel, TunnelClient, TunnelEnd } from '../../src/tunnel.js'
import type { FrameChannel } from '../../src/wire/frame-channel.js'
import { parseIp } from '../../src/wire/ip-address.js'
import {
  type ConnId,
  decodeProxyMessage,
  encodeAnswerHead,
  encodeCloseExt,
  encodePing,
  encodePong,
  encodeSimpleAck,
} from '../../src/wire/rpc.js'

const proxySecret = Buffer.alloc(128, 7)
const local = { host: '10.0.0.1', port: 40_000 }
const remote = { host: '10.0.0.2', port: 8888 }

/** What Telegram has read on one link. */
export type Heard =
  | { readonly kind: 'request'; readonly connId: ConnId; readonly text: string; readonly quickAck: boolean }
  | { readonly kind: 'close'; readonly connId: ConnId }
  | { readonly kind: 'ping' | 'pong'; readonly id: bigint }

/** A middle proxy at the other end of a {@link FaultyLink}, played by the test. */
export class MiddlePeer {
  readonly link: FaultyLink
  readonly plan: Mutable<DialPlan>
  readonly heard: Heard[] = []
  /** Reads and answers nothing. */
  deaf = false
  /** Answers every packet by itself. */
  echoes = false
  #read = 0
  #channel: FrameChannel | null = null
  readonly #handshake: MiddleProxyHandshake

  constructor(link: FaultyLink, plan: Mutable<DialPlan>, now: number) {
    this.link = link
    this.plan = plan
    this.#handshake = new MiddleProxyHandshake({
      proxySecret,
      serverNonce: Buffer.alloc(16, 9),
      timestamp: now,
      server: { ip: parseIp(remote.host) as Uint8Array, port: remote.port },
      client: { ip: parseIp(local.host) as Uint8Array, port: local.port },
    })
  }

  get requests(): string[] {
    return this.heard.flatMap((each) => (each.kind === 'request' ? [each.text] : []))
  }

  get closed(): ConnId[] {
    return this.heard.flatMap((each) => (each.kind === 'close' ? [each.connId] : []))
  }

  /** The conn id of the client that sent this. */
  connOf(text: string): ConnId {
    const found = this.heard.find((each) => each.kind === 'request' && each.text === text)
    if (found?.kind !== 'request') throw new Error(`nobody sent ${text}`)
    return found.connId
  }

  /** Reads what the kernel has taken. */
  pump(): void {
    if (this.deaf) return
    const flushed = this.link.accepted - this.link.unflushed
    if (flushed === this.#read) return
    const chunk = this.link.writtenBytes.subarray(this.#read, flushed)
    this.#read = flushed
    if (this.#channel === null) this.#greet(chunk)
    else {
      this.#channel.feed(chunk)
      this.#hear(this.#channel)
    }
  }

  answer(connId: ConnId, text: string | Buffer): void {
    this.say(Buffer.concat([encodeAnswerHead(connId), packet(text)]))
  }

  closeExt(connId: ConnId): void {
    this.say(encodeCloseExt(connId))
  }

  quickAck(connId: ConnId, confirm: Buffer): void {
    this.say(encodeSimpleAck(connId, confirm))
  }

  ping(id: bigint): void {
    this.say(encodePing(id))
  }

  say(body: Buffer): void {
    if (this.#channel === null) throw new Error('not ready')
    this.link.receive(this.#channel.write(body))
  }

  /** FIN: the link refuses writes at once, and has ended once what was accepted is flushed or given up. */
  finish(): void {
    this.link.end(end('closed-by-peer'))
  }

  fin(): void {
    this.link.fail(end('closed-by-peer'))
  }

  rst(): void {
    this.link.fail(end('reset-by-peer', { code: 'ECONNRESET' }))
  }

  #greet(chunk: Buffer): void {
    for (const effect of this.#handshake.push(chunk)) {
      if (effect.kind === 'send') this.link.receive(effect.bytes)
      else if (effect.kind === 'ready') this.#channel = effect.channel
      else throw new Error(effect.why)
    }
  }

  #hear(channel: FrameChannel): void {
    for (;;) {
      const body = channel.next()
      if (body === null) return
      if (!Buffer.isBuffer(body)) throw body
      const message = decodeProxyMessage(body)
      if (message instanceof Error) throw message
      switch (message.kind) {
        case 'request': {
          const text = message.payload.toString('latin1').trimEnd()
          this.heard.push({
            kind: 'request',
            connId: message.connId,
            text,
            quickAck: (message.flags & 0x8000_0000) !== 0,
          })
          if (this.echoes) this.answer(message.connId, text)
          break
        }
        case 'ping':
          this.heard.push(message)
          this.say(encodePong(message.id))
          break
        case 'close':
        case 'pong':
          this.heard.push(message)
          break
        case 'unknown':
          throw new Error(`unknown message ${message.type.toString(16)}`)
      }
    }
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A client behind a tunnel that writes down what it is told. */
export class ScriptedClient implements TunnelClient {
  readonly told: string[] = []
  readonly ends: TunnelEnd[] = []
  /** Called when its reading is paused. */
  whenPaused: () => void = () => {}
  /** Called when its tunnel is over. */
  whenClosed: () => void = () => {}
  tunnel: Tunnel | null = null
  pauses = 0

  packet(payload: Uint8Array): void {
    this.told.push(Buffer.from(payload).toString('latin1').trimEnd())
  }

  quickAck(confirm: Uint8Array): void {
    this.told.push(`quick ack ${Buffer.from(confirm).toString('hex')}`)
  }

  pause(): Off {
    this.pauses += 1
    this.whenPaused()
    let held = true
    return () => {
      if (held) this.pauses -= 1
      held = false
    }
  }

  closed(why: TunnelEnd): void {
    this.ends.push(why)
    this.whenClosed()
  }

  get isPaused(): boolean {
    return this.pauses > 0
  }

  send(text: string, o: { quickAck?: boolean } = {}): void {
    this.tunnel?.send(packet(text), { quickAck: o.quickAck ?? false })
  }

  close(): void {
    this.tunnel?.close()
  }
}

/** A packet is a multiple of four bytes. */
function packet(text: string | Buffer): Buffer {
  if (typeof text !== 'string') return text
  return Buffer.from(text.padEnd(Math.ceil(text.length / 4) * 4), 'latin1')
}

/** Options that tests set. */
type ScriptedSettings = DataCenterSettings & Pick<DataCentersOptions, 'afterTurn'>

/** Data centre 2 and its middle proxies, on a virtual clock. */
export class ScriptedTelegram {
  readonly env: TestEnv = testEnv({ name: 'telegram' })
  readonly peers: MiddlePeer[] = []
  readonly dialed: string[] = []
  readonly migrations: MigrationResult[] = []
  readonly backpressure: string[] = []
  readonly centers: LocalDataCenters
  /** Nobody answers. */
  isDeaf = false
  /** Followed by the next dials. */
  plan: DialPlan = { openAfter: 5 }

  constructor(settings: ScriptedSettings = {}, addresses: readonly string[] = ['10.0.0.2:8888']) {
    const dial = (to: Endpoint, sink: Parameters<ScriptedDialer['dial']>[1]): FaultyLink => {
      // Each link has a plan of its own, which the test may change.
      const plan: Mutable<DialPlan> = { addresses: { local, remote }, ...this.plan }
      const own = new ScriptedDialer(this.env.clock, [plan])
      this.dialed.push(to.uri)
      const link = own.dial(to, sink)
      this.peers.push(new MiddlePeer(link, plan, Math.floor(this.env.clock.wall() / 1000)))
      return link
    }
    this.centers = dataCenters({
      ...settings,
      env: this.env,
      metrics: {
        ...noMetrics,
        listener: (name) => ({
          ...noMetrics.listener(name),
          migrated: (_dcId, result) => void this.migrations.push(result),
        }),
        dataCenter: (dcId) => ({
          ...noMetrics.dataCenter(dcId),
          backpressure: (state) => void this.backpressure.push(state),
        }),
      },
      dialer: { dial },
      randomBytes: (size) => new Uint8Array(size),
      telegram: this.access(...addresses),
    })
    this.env.clock.sweep(1, () => this.pump())
    this.centers.start()
  }

  access(...addresses: string[]) {
    const named = addresses.map((address) => {
      const [host = '', port] = address.split(':')
      return { host, port: Number(port) }
    })
    return {
      proxySecret,
      config: { defaultDc: null, datacenters: new Map([[2, named]]) },
      externalIp: null,
    }
  }

  /** A Telegram whose connections are all ready. */
  static ready(settings: ScriptedSettings = {}): ScriptedTelegram {
    const telegram = new ScriptedTelegram(settings)
    telegram.advance(10)
    return telegram
  }

  /** Makes connections count as stable, and lets them answer pings. */
  settle(): void {
    this.advance(6000)
  }

  pump(): void {
    if (!this.isDeaf) for (const peer of this.peers) peer.pump()
  }

  advance(ms: Millis): void {
    this.env.clock.advance(ms)
    this.pump()
  }

  /** The peers whose links are open, oldest first. */
  get open(): MiddlePeer[] {
    return this.peers.filter(({ link }) => link.isOpen)
  }

  peer(index: number): MiddlePeer {
    const peer = this.peers[index]
    if (peer === undefined) throw new Error(`no connection ${index}`)
    return peer
  }

  /** Where a client is: the peer that hears what it says. It says something for that. */
  peerOf(client: ScriptedClient): MiddlePeer {
    const text = `where ${this.env.random()}`
    client.send(text)
    this.pump()
    const peer = this.peers.find(({ requests }) => requests.includes(text))
    if (peer === undefined) throw new Error('nobody heard it')
    return peer
  }

  client(o: { dcId?: number; adTag?: Uint8Array } = {}): ScriptedClient {
    const client = new ScriptedClient()
    const opened = this.tryOpen(client, o)
    if ('refused' in opened) throw new Error(`refused: ${opened.refused}`)
    return client
  }

  newcomer(): ScriptedClient {
    return new ScriptedClient()
  }

  tryOpen(client: ScriptedClient, o: { dcId?: number; adTag?: Uint8Array } = {}) {
    const request = {
      dcId: o.dcId ?? 2,
      ip: parseIp('192.0.2.7') as Uint8Array,
      port: 5000,
      adTag: o.adTag ?? null,
      format: 'padded' as const,
      listener: 'main',
    }
    const opened = this.centers.open(request, client)
    if (!('refused' in opened)) client.tunnel = opened
    return opened
  }

  get state() {
    return this.centers.state.get(2)
  }
}
