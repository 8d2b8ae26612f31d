import { type End, end, type LinkProtocol, type LinkScope, type Millis, type Off } from '@holdfast/core'
import { Acceptance } from '../accept/acceptance.js'
import type { AcceptEffect, AcceptedClient } from '../accept/types.js'
import type { Admitted, Newcomer, Verdict } from '../gatekeeper.js'
import { ipToText, parseIp, type SocketAddress } from '../wire/ip-address.js'
import type { ClientPort } from './client-port.js'
import type { Connection, Stage } from './stage.js'
import { TunnelStage } from './tunnel-stage.js'

/** What a newcomer needs until it is judged, and nobody after that. */
interface Judging {
  readonly acceptance: Acceptance
  address: SocketAddress
  /** The gatekeeper has been asked, and the connection is not read. */
  asked: { readonly withdraw: Off; readonly resume: Off } | null
}

/**
 * One accepted connection, from its first byte to its end (spec 3.5, 6.4): judged first, then a tunnel, relayed to a
 * decoy, or read and ignored. Small, as there may be very many that do nothing.
 */
export class ClientSession implements LinkProtocol, Connection {
  readonly #scope: LinkScope
  readonly #port: ClientPort
  readonly #openedAt: Millis
  #judging: Judging | null
  #stage: Stage | null = null
  #admitted: Admitted | null = null
  /** Whether a client is in the tunnel, or was. */
  #hasSucceeded = false
  #isClosing = false

  constructor(scope: LinkScope, port: ClientPort) {
    this.#scope = scope
    this.#port = port
    this.#openedAt = port.now
    port.counts.accepted.inc()
    const address = addressOf(scope)
    this.#judging = { acceptance: new Acceptance(port.accept, ipToText(address.ip)), address, asked: null }
  }

  data(chunk: Uint8Array): void {
    if (this.#stage !== null) this.#stage.data(chunk)
    else if (this.#judging !== null) {
      this.#port.counts.received.inc(chunk.length)
      const unixSeconds = Math.floor(this.#port.side.env.clock.wall() / 1000)
      this.#follow(this.#judging.acceptance.handle({ kind: 'bytes', chunk, unixSeconds }))
    }
  }

  writable(): void {
    this.#stage?.writable()
  }

  finished(): boolean {
    return this.#stage?.finished?.() === true
  }

  /** Now and then, to judge silence. */
  tick(now: Millis): void {
    this.#stage?.tick(now)
  }

  close(code: string): void {
    this.#end(code, (why) => this.#scope.link.end(why))
  }

  abort(code: string): void {
    this.#end(code, (why) => this.#scope.fail(why))
  }

  /** Packets that are under way keep the drain waiting. */
  retire(): void {
    if (this.#stage === null) return
    const ticket = this.#scope.gate.enter('a packet under way')
    this.#stage.settle(() => ticket?.done())
  }

  /** Whatever of ours gives the connection up. */
  farewell(why: End): undefined {
    if (this.#isToReset) this.#scope.link.reset?.(why)
  }

  ended(why: End): void {
    this.#leave()
    this.#port.ignored.delete(this)
    const { counts } = this.#port
    if (why.kind === 'handshake-timeout') counts.timedOut.inc()
    else if (why.kind === 'overflow') counts.sendFailed('timeout')
    counts.closed.inc()
    counts.lifetime.observe((this.#port.now - this.#openedAt) / 1000)
  }

  #end(code: string, how: (why: End) => void): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#leave()
    const why = end('closed-by-us', { code, advice: { kind: 'never' } })
    if (this.#isToReset) this.#scope.link.reset?.(why)
    else how(why)
  }

  get #isToReset(): boolean {
    const { resetClose } = this.#port.settings
    return resetClose === 'always' || (resetClose === 'handshake_error' && !this.#hasSucceeded)
  }

  #leave(): void {
    const asked = this.#judging?.asked
    this.#judging = null
    asked?.withdraw()
    this.#stage?.leave()
    this.#admitted?.leave()
    this.#admitted = null
  }

  #follow(effects: readonly AcceptEffect[]): void {
    for (const effect of effects) {
      const judging = this.#judging
      if (judging === null) return
      this.#act(judging, effect)
    }
  }

  #act(judging: Judging, effect: AcceptEffect): void {
    switch (effect.kind) {
      case 'address':
        judging.address = effect.source ?? judging.address
        return
      case 'ask':
        this.#ask(judging, effect.newcomer)
        return
      case 'send':
        this.#port.counts.sent.inc(effect.bytes.length)
        this.#scope.link.write(effect.bytes)
        return
      case 'tunnel':
        this.#tunnel(judging.address, effect.client)
        return
      case 'front':
        this.#refused(effect.reason)
        this.#front(judging, effect.bytes, effect.sni)
        return
      case 'alert-and-close':
        this.#refused(effect.reason)
        this.#scope.link.write(effect.alert)
        this.close(effect.reason)
        return
      case 'close':
        this.#refused(effect.reason)
        this.close(effect.reason)
        return
      case 'swallow':
        this.#refused(effect.reason)
        this.#judging = null
        this.#port.ignored.add(this)
    }
  }

  #ask(judging: Judging, newcomer: Newcomer): void {
    const resume = this.#scope.link.pause()
    const told = { isSync: true, verdict: null as Verdict | null }
    const withdraw = this.#port.side.gatekeeper.admit(newcomer, (verdict) => {
      if (told.isSync) told.verdict = verdict
      else this.#judged(verdict)
    })
    told.isSync = false
    judging.asked = { withdraw, resume }
    if (told.verdict !== null) this.#judged(told.verdict)
  }

  #judged(verdict: Verdict): void {
    const judging = this.#judging
    const resume = judging?.asked?.resume
    if (judging === null || resume === undefined) {
      // Gone while it was decided.
      if (!('refused' in verdict)) verdict.leave()
      return
    }
    judging.asked = null
    if (!('refused' in verdict)) this.#admitted = verdict
    this.#follow(judging.acceptance.handle({ kind: 'verdict', verdict }))
    resume()
  }

  #tunnel(address: SocketAddress, client: AcceptedClient): void {
    const port = this.#port
    const { format, dcId, secret, codec, protocol } = client
    port.counts.protocolOk(protocol)
    this.#judging = null
    this.#hasSucceeded = true
    const stage = new TunnelStage(this, this.#scope.link, port, { codec, admitted: this.#admitted })
    this.#stage = stage
    const { ip, port: clientPort } = address
    const adTag = port.adTagOf(secret)
    const request = { dcId, ip, port: clientPort, adTag, format, listener: port.name }
    const tunnel = port.side.dataCenters.open(request, stage)
    if ('refused' in tunnel) {
      const { env } = port.side
      env.log.info({ name: env.name, dc: dcId, why: tunnel.refused }, 'no connection for a client')
      this.close(tunnel.refused)
      return
    }
    this.#scope.ready()
    stage.begin(tunnel)
  }

  #front(judging: Judging, bytes: Uint8Array, sni: string | null): void {
    const { fronting, gatekeeper } = this.#port.side
    const newcomer = { listener: this.#port.name, ip: ipToText(judging.address.ip), sni }
    const stage = gatekeeper.mayFront(newcomer)
      ? fronting.open(this, this.#scope.link, { bytes, sni, settings: this.#port.settings })
      : null
    if (stage === null) {
      this.close('not-fronted')
      return
    }
    this.#judging = null
    this.#stage = stage
    this.#scope.ready()
  }

  #refused(reason: string): void {
    this.#port.counts.protocolError(reason)
    const { env } = this.#port.side
    const from = this.#scope.endpoint.uri
    env.log.debug({ name: env.name, listener: this.#port.name, from, reason }, 'refused a newcomer')
  }
}

const nowhere = new Uint8Array(16)

/** As it was when it connected: asking the socket for its addresses costs a call to the kernel. Unix sockets have none. */
function addressOf({ endpoint: { address, port } }: LinkScope): SocketAddress {
  const ip = typeof address === 'string' ? parseIp(address) : null
  return { ip: ip ?? nowhere, port: typeof port === 'number' ? port : 0 }
}
