import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Env } from '@holdfast/core'
import { type ToxClient, toxClient } from '../../client/tox-client.js'
import type { MemberView } from '../../conferences/conference-view.js'
import { listenTo } from '../../conferences/listen-to.js'
import { newProfile } from '../../profile/tox-profile.js'
import { FaultyUdp } from '../../testing/faulty-udp.js'
import type { NodeInfo } from '../../tox/dht/packed-nodes.js'

/** One of the demonstration's peers: a whole client with a profile on disk and a UDP port of its own. */
export class Player {
  readonly name: string
  readonly network = new FaultyUdp()
  /** Texts that were told to it, by all its runs. */
  readonly heard: string[] = []
  /** Of these, how many came late. */
  late = 0
  readonly #env: Env
  readonly #profile: string
  #client: ToxClient | null = null

  constructor(name: string, env: Env, folder: string) {
    this.name = name
    this.#env = env
    this.#profile = join(folder, `${name}.tox`)
  }

  get client(): ToxClient {
    if (!this.#client) throw new Error(`${this.name} does not run`)
    return this.#client
  }

  get isRunning(): boolean {
    return this.#client !== null
  }

  /** Where its node is. */
  get place(): NodeInfo {
    const { dhtKey, address } = this.client.node
    return { dhtKey, address: address ?? { host: '127.0.0.1', port: 0 } }
  }

  /** Runs, from its profile if there is one. Invitations are taken up. */
  async start(bootstrap: readonly NodeInfo[]): Promise<void> {
    const client = await toxClient({
      env: this.#env,
      profile: this.#profile,
      create: () => newProfile({ secretKey: randomBytes(32), name: this.name }),
      listen: { host: '127.0.0.1', port: 0 },
      bootstrap,
      bindUdp: this.network.bind,
    })
    this.#client = client
    listenTo(client.conferences.events$, (news) => {
      if (news.kind === 'invited') client.conferences.accept(news.from, news.identifier)
    })
    listenTo(client.messages$, ({ text, isLate }) => {
      this.heard.push(text)
      if (isLate) this.late += 1
    })
  }

  /** Ends as it should. */
  async stop(): Promise<void> {
    const client = this.#client
    this.#client = null
    await client?.close()
  }

  /**
   * Ends as if it were killed: nobody hears its goodbye, and its files are as they were before. What was told is in its log by
   * then, as it would be.
   */
  async crash(): Promise<void> {
    this.network.isDown = true
    const files = [this.#profile, `${this.#profile}.memories`]
    const left = await Promise.all(files.map(async (path) => ({ path, bytes: await readFile(path) })))
    await this.stop()
    for (const { path, bytes } of left) await writeFile(path, bytes)
    this.network.isDown = false
  }

  /** There is no way to these, and none from them; to all others there is. */
  cutOff(others: readonly Player[]): void {
    this.network.unreachable = new Set(others.map(({ place }) => place.address.port))
  }

  /** Both become friends of each other. */
  befriend(other: Player): void {
    this.client.befriend(other.client.node.realKey, other.place)
    other.client.befriend(this.client.node.realKey, this.place)
  }

  /** How it sees somebody; `null` if it knows nothing of them. */
  sees(other: Player): MemberView | null {
    const members = this.#client?.conferences.get(0)?.members ?? []
    return members.find(({ realKey }) => realKey === other.client.node.realKey) ?? null
  }

  /** Whether it takes part together with all of them. */
  isWith(others: readonly Player[]): boolean {
    return others.every((other) => other === this || this.sees(other)?.frozen === null)
  }
}
