import { MatrixUser } from '../synapse/matrix-user.js'
import type { SynapseVersion } from '../synapse/synapse-installation.js'
import type { TailProcess } from '../tail-process.js'
import type { Talker } from './talker.js'

/** One of each kind of thing that makes a row. */
export class Everything {
  wanted = 0
  come = 0
  readonly #alice: Talker
  readonly #bob: MatrixUser
  readonly #tail: TailProcess
  readonly #tagStream: string
  #awaited: { readonly stream: string; readonly texts: readonly string[] }[] = []

  constructor(alice: Talker, bob: MatrixUser, tail: TailProcess, version: SynapseVersion) {
    this.#alice = alice
    this.#bob = bob
    this.#tail = tail
    // Since 1.76 tags are rows of the other stream.
    this.#tagStream = version === '1.163.2' ? 'account_data' : 'tag_account_data'
  }

  /** Has all of it happen, marked by a word. */
  async happens(word: string): Promise<void> {
    const { user, room, sent } = this.#alice
    const bob = this.#bob
    const newest = sent.at(-1)!
    const own = await user.createRoom({ visibility: 'public' })
    await user.setTyping(own, true)
    await bob.sendReceipt(room, newest)
    await bob.setPresence('online', `feels ${word}`)
    await bob.setAccountData(`org.example.${word}`, { word })
    await bob.setAccountData(`org.example.room.${word}`, { word }, room)
    await user.setTag(own, `u.${word}`)
    const carol = await MatrixUser.register(this.#mainUrl, `carol-${word}`)
    await user.sendToDevice(carol.userId, 'org.example.note', { word })
    await carol.addPushRule(word)
    this.#await('typing', own, user.userId)
    this.#await('receipts', newest, bob.userId)
    this.#await('presence', `feels ${word}`)
    this.#await('account_data', `"org.example.${word}"`, bob.userId)
    this.#await('account_data', `org.example.room.${word}`, room)
    this.#await(this.#tagStream, own, user.userId)
    this.#await('to_device', carol.userId)
    this.#await('push_rules', carol.userId)
    this.#await('device_lists', carol.userId)
    this.#await('events', own, 'm.room.create')
  }

  /** Waits until all of it has been printed. */
  async hasCome(when: string): Promise<void> {
    const missing = () => this.#awaited.filter(({ stream, texts }) => !this.#tail.hasRow(stream, ...texts))
    try {
      await this.#tail.until(`every kind of row has come ${when}`, () => missing().length === 0)
    } catch (error) {
      throw new Error(`missing: ${JSON.stringify(missing())}`, { cause: error })
    } finally {
      this.come += this.#awaited.length - missing().length
      this.#awaited = []
    }
  }

  get #mainUrl(): string {
    return this.#alice.user.baseUrl
  }

  #await(stream: string, ...texts: readonly string[]): void {
    this.wanted += 1
    this.#awaited.push({ stream, texts })
  }
}
