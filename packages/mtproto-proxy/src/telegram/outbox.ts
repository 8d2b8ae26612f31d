import { type Env, end, type LinkScope, type Millis } from '@holdfast/core'
import type { DataCenterMetrics } from '../metrics/types.js'
import type { FrameChannel } from '../wire/frame-channel.js'
import { ProxyRequestHead } from '../wire/rpc.js'
import type { DcClient, UnsentPacket } from './dc-client.js'

/** So much is not gathered any further. */
const gatherBytes = 65_536
/** How long what nobody waits for may wait for company. */
const companyWithin: Millis = 5

/** What an outbox needs of the settings of its link; they are described there. */
export interface OutboxSettings {
  readonly env: Env
  readonly metrics: DataCenterMetrics
  readonly resendUnsent: boolean
  readonly afterTurn?: ((run: () => void) => void) | undefined
}

interface Framed {
  readonly client: DcClient
  readonly unsent: UnsentPacket
}

/**
 * What goes out on one connection to a middle proxy: requests of its clients, and messages of its own.
 *
 * What many clients send in one turn of the event loop becomes one ciphertext and one write. Until then the link has
 * seen nothing of it: a client whose link dies meanwhile takes its packets along, and is not cut (I15).
 */
export class Outbox {
  readonly #scope: LinkScope
  readonly #settings: OutboxSettings
  readonly #ourAddress: { readonly ourIp: Uint8Array; readonly ourPort: number }
  /** While frames can be written. */
  #channel: FrameChannel | null = null
  #isRetiring = false
  /** Since when the link has taken all that it can; `null` while it takes more. */
  #fullSince: Millis | null = null
  /** Packets of which frames were made that have not been written. */
  readonly #framed: Framed[] = []
  /** Clients with packets that are written at the end of this turn. */
  readonly #due = new Set<DcClient>()
  #dueBytes = 0
  #isTurnAwaited = false
  #isCompanyAwaited = false
  /** Clients that are held until the link takes more. */
  readonly #waiting = new Set<DcClient>()
  /** Clients with packets that may not have left. */
  readonly #leaving = new Set<DcClient>()

  /** @param us - our end, as Telegram sees it */
  constructor(
    scope: LinkScope,
    settings: OutboxSettings,
    us: { readonly ip: Uint8Array; readonly port: number },
  ) {
    this.#scope = scope
    this.#settings = settings
    this.#ourAddress = { ourIp: us.ip, ourPort: us.port }
  }

  /** The handshake is over: frames are written from now on. */
  open(channel: FrameChannel): void {
    this.#channel = channel
  }

  /** The link is over: nothing is written any more. */
  close(): void {
    this.#channel = null
  }

  /** The link may end at any time: nothing is left for the end of a turn. */
  retire(): void {
    this.#isRetiring = true
    this.#writeDue()
  }

  /** Whether the link has taken all that it can. */
  get isFull(): boolean {
    return this.#fullSince !== null
  }

  /** A client has one more packet to send. */
  send(client: DcClient, bytes: number): void {
    if (!this.#isGathering || this.isFull) {
      this.sendWaiting(client)
      return
    }
    this.#due.add(client)
    this.#dueBytes += bytes
    if (this.#dueBytes < gatherBytes) this.#awaitTurn()
    else this.#writeDue()
  }

  /** Writes what a client has waiting, as far as the link takes it; then lets the client go on. */
  sendWaiting(client: DcClient): void {
    const { link } = client
    this.#requestAll(client)
    // Of most who come nothing waits; what others do not hurry with must not be written for them.
    if (this.#framed.length > 0) this.#writeFrames()
    // The link was not one any more, and the client is on another.
    if (client.link === link) this.#goOn(client)
  }

  /** A message of our own. */
  say(body: Uint8Array): void {
    if (this.#channel === null) return
    this.#channel.add(body)
    if (this.#isGathering && this.#channel.addedBytes < gatherBytes) this.#awaitTurn()
    else this.#writeFrames()
  }

  /** A message of our own that nobody waits for: it goes along with what is written next, or else soon alone. */
  mention(body: Uint8Array): void {
    if (this.#channel === null) return
    this.#channel.add(body)
    if (!this.#isGathering || this.#channel.addedBytes >= gatherBytes) this.#writeFrames()
    else this.#awaitCompany()
  }

  /** A write that fails is the end of the link, as much as the close that is about to be told (R4). */
  write(bytes: Uint8Array): void {
    if (!this.#isWritten(bytes)) this.#scope.fail(writeFailed)
  }

  /** The link takes more. */
  writable(): void {
    if (this.#fullSince !== null) {
      const { env, metrics } = this.#settings
      metrics.sendDuration.observe((env.clock.now() - this.#fullSince) / 1000)
      this.#fullSince = null
    }
    for (const client of this.#waiting) {
      if (this.isFull) return
      this.#waiting.delete(client)
      this.sendWaiting(client)
    }
  }

  /** Whether a client can leave (spec 9, I15): nothing of it is under way, or all that is would be sent again. */
  canLeave(client: DcClient): boolean {
    const flushed = this.#flushed
    if (this.#settings.resendUnsent) {
      // What has left must not be sent again, whether the link is gone or only no longer needed.
      client.forget(flushed)
      if (this.#scope.link.phase === 'ended') return true
    }
    return client.mark <= flushed && (!client.isWaitingToSend || this.#due.has(client))
  }

  /** Loses a client that is on its link until this returns. One that is at its end has its last packets written. */
  leave(client: DcClient, linkAlive: boolean): void {
    if (this.#due.delete(client) && linkAlive && client.isEnding) {
      this.#requestAll(client)
      this.#writeFrames()
    }
    // Nothing of what is left was taken by this link.
    for (const unsent of client.unsent ?? []) unsent.mark = Infinity
    this.#waiting.delete(client)
    this.#leaving.delete(client)
  }

  /** Forgets packets that have left. */
  sweep(): void {
    const flushed = this.#flushed
    for (const client of this.#leaving) {
      client.forget(flushed)
      if (client.unsent === null) this.#leaving.delete(client)
    }
  }

  get #isGathering(): boolean {
    return this.#settings.afterTurn !== undefined && !this.#isRetiring
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return
    this.#isTurnAwaited = true
    this.#settings.afterTurn?.(this.#turnEnded)
  }

  readonly #turnEnded = (): void => {
    this.#isTurnAwaited = false
    this.#writeDue()
  }

  #awaitCompany(): void {
    if (this.#isCompanyAwaited) return
    this.#isCompanyAwaited = true
    this.#scope.after(companyWithin, () => {
      this.#isCompanyAwaited = false
      this.#writeFrames()
    })
  }

  #writeDue(): void {
    const clients = [...this.#due]
    this.#dueBytes = 0
    for (const client of clients) this.#requestAll(client)
    this.#writeFrames()
    for (const client of clients) if (this.#due.delete(client)) this.#goOn(client)
  }

  /** Makes frames of what a client has waiting, as far as the link takes it. */
  #requestAll(client: DcClient): void {
    const { link } = client
    for (const unsent of client.unsent ?? []) {
      if (unsent.mark !== Infinity) continue
      const channel = this.#channel
      if (this.isFull || channel === null || client.link !== link) return
      const { connId, request } = client
      client.head ??= new ProxyRequestHead({ connId, ...request, ...this.#ourAddress })
      channel.add(client.head.for(unsent.packet, unsent), unsent.packet)
      this.#framed.push({ client, unsent })
      if (!this.#isGathering || channel.addedBytes >= gatherBytes) this.#writeFrames()
    }
  }

  #writeFrames(): void {
    if (this.#channel === null || this.#channel.addedBytes === 0) return
    const framed = this.#framed.splice(0)
    const isWritten = this.#isWritten(this.#channel.take())
    if (!isWritten) {
      this.#scope.fail(writeFailed)
      return
    }
    const mark = this.#scope.link.accepted
    for (const { client, unsent } of framed) unsent.mark = client.mark = mark
  }

  #isWritten(bytes: Uint8Array): boolean {
    const result = this.#scope.link.write(bytes)
    if (result === 'refused') return false
    const { env, metrics } = this.#settings
    metrics.sent.inc(bytes.length)
    if (result === 'full') this.#fullSince ??= env.clock.now()
    return true
  }

  /** Holds a client while the link is full. */
  #goOn(client: DcClient): void {
    if (!client.isWaitingToSend && !this.#settings.resendUnsent) client.unsent = null
    if (client.unsent !== null) this.#leaving.add(client)
    if (this.isFull) {
      client.hold()
      this.#waiting.add(client)
    } else client.proceed()
  }

  get #flushed(): number {
    const { link } = this.#scope
    return link.accepted - link.unflushed
  }
}

const writeFailed = end('closed-by-peer', { detail: 'a write failed', advice: { kind: 'now' } })
