import type { Clock, Millis } from '@holdfast/core'
import { showPause as pause, showUntil as until, type Verdict } from '@holdfast/core/service'
import type { TestClient } from '../../testing/test-client.js'
import { packetOf, readPacket } from './crowd.js'

/** Whoever downloads has this number; nobody of the crowd has. */
const downloader = 0xffff_ffff
const partBytes = 65_536
/** Of whoever reads late: less than a client may leave unread, and kernels hold some of it besides. */
const lateParts = 32
/** Of whoever reads nothing: more than that and all that kernels take. */
const endlessParts = 320
const partsAtOnce = 8
/** Enough for some on every connection to Telegram. */
const otherClients = 12
const patience: Millis = 60_000
/** How long anybody else may wait for an answer meanwhile. */
const mostWait: Millis = 4000

/** What Telegram sends whoever asked for a part; `null`: this was no download. */
export function partFor(payload: Buffer): Buffer | null {
  if (readPacket(payload).client !== downloader) return null
  const part = Buffer.alloc(partBytes)
  payload.copy(part)
  return part
}

/** What {@link playDownloads} needs of the world. */
export interface DownloadStage {
  readonly clock: Clock
  /** One more client. */
  readonly connect: () => TestClient
  /** How many clients the proxy serves, now. */
  readonly clients: number
}

/** Two clients ask for much and stop reading: one reads again, the other one never does. */
export async function playDownloads(stage: DownloadStage): Promise<Verdict[]> {
  const { clock, connect } = stage
  const [late, deaf] = [connect(), connect()]
  const others = Array.from({ length: otherClients }, connect)
  try {
    const waits = new Waits(clock, others)
    await until(clock, () => waits.areAllServed, patience, 'the others to be served')
    const served = stage.clients
    await ask(clock, late, 0, lateParts)
    await ask(clock, deaf, lateParts, endlessParts)
    const whileAway = late.packets.length
    late.resume()
    await until(clock, () => late.packets.length === lateParts, patience, 'all that was left unread')
    const inOrder = late.packets.every((part, at) => readPacket(part).number === at)
    await until(clock, () => stage.clients < served, patience, 'the one that reads nothing to be given up')
    const longest = await waits.end()
    const closed = [late, ...others].filter(({ ended }) => ended !== null).length
    return [
      {
        promised: 'a client that reads late has lost nothing',
        counted: `${whileAway} of ${lateParts} parts while it was away, ${late.packets.length} then`,
        held: whileAway < lateParts && inOrder,
      },
      {
        promised: `a client that reads nothing is given up, and nobody else waits for ${mostWait} ms`,
        counted: `${longest.toFixed(0)} ms at most; ${closed} others closed`,
        held: longest < mostWait && closed === 0,
      },
    ]
  } finally {
    await Promise.all([late, deaf, ...others].map((client) => client[Symbol.asyncDispose]()))
  }
}

/** Measures how long clients wait for answers while it goes on. */
class Waits {
  readonly #clock: Clock
  readonly #asking: Promise<unknown>
  readonly #served = new Set<number>()
  readonly #clients: number
  #longest: Millis = 0
  #isOver = false

  constructor(clock: Clock, clients: readonly TestClient[]) {
    this.#clock = clock
    this.#clients = clients.length
    this.#asking = Promise.all(clients.map((client, index) => this.#ask(client, index)))
  }

  get areAllServed(): boolean {
    return this.#served.size === this.#clients
  }

  /** Returns the longest wait. */
  async end(): Promise<Millis> {
    this.#isOver = true
    await this.#asking
    return this.#longest
  }

  async #ask(client: TestClient, index: number): Promise<void> {
    for (let turn = 0; !this.#isOver && client.ended === null; turn += 1) {
      const asked = this.#clock.now()
      await client.ask(packetOf(downloader - 1 - index, turn))
      if (turn > 0) this.#longest = Math.max(this.#longest, this.#clock.now() - asked)
      this.#served.add(index)
      await pause(this.#clock, 20)
    }
  }
}

/** Asks for so many parts from a number on, as many at once as apps do, and reads none of them. */
async function ask(clock: Clock, client: TestClient, from: number, parts: number): Promise<void> {
  client.pause()
  for (let number = from; number < from + parts; number += 1) {
    void client.send(packetOf(downloader, number))
    if (number % partsAtOnce === 0) await pause(clock, 20)
  }
}
