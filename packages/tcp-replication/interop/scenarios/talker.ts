import { MatrixUser } from '../synapse/matrix-user.js'

/** Somebody who writes messages, and remembers those that the homeserver has acknowledged. */
export class Talker {
  readonly user: MatrixUser
  readonly room: string
  /** Ids of acknowledged messages, in the order of sending. */
  readonly sent: string[] = []
  /** Messages that were not acknowledged; the homeserver may have them or not. */
  unsure = 0
  #count = 0

  private constructor(user: MatrixUser, room: string) {
    this.user = user
    this.room = room
  }

  /** Registers a user, who makes a room. */
  static async join(baseUrl: string, name: string): Promise<Talker> {
    const user = await MatrixUser.register(baseUrl, name)
    return new Talker(user, await user.createRoom())
  }

  /** Writes some messages, one after the other. */
  async say(count: number): Promise<string[]> {
    const ids: string[] = []
    for (let index = 0; index < count; index += 1) {
      this.#count += 1
      ids.push(await this.user.sendMessage(this.room, `message ${this.#count}`))
    }
    this.sent.push(...ids)
    return ids
  }

  /** Writes on until it fails, which it does when the homeserver is killed. */
  async sayUntilItFails(): Promise<void> {
    for (;;) {
      try {
        await this.say(1)
      } catch {
        this.unsure += 1
        return
      }
    }
  }
}
