import type { Scorecard } from '@holdfast/core/service'
import type { MatrixUser, SyncAnswer } from '../synapse/matrix-user.js'
import type { SynapseWorker } from '../synapse/synapse-process.js'
import { waitUntil } from '../wait-until.js'
import type { Talker } from './talker.js'

/** What somebody sees who uses the worker, while everything is written through the main process. */
export class WorkerView {
  readonly alice: Talker
  changed = 0
  changesSeen = 0
  readonly #reader: MatrixUser
  readonly #score: Scorecard
  readonly #seen = new Set<string>()
  #since: string | undefined
  #mark = 0

  constructor(alice: Talker, worker: SynapseWorker, score: Scorecard) {
    this.alice = alice
    this.#reader = alice.user.through(worker.baseUrl)
    this.#score = score
  }

  /** How many of the messages sent have been seen. */
  get seen(): number {
    return this.alice.sent.filter((id) => this.#seen.has(id)).length
  }

  /** The first look; what comes later must be told to the worker by replication. */
  async begin(): Promise<void> {
    await waitUntil('the worker shows the room', async () => {
      this.#take(await this.#reader.sync())
      return this.#since !== undefined && this.#roomKnown
    })
  }

  /** New messages, typing and account data, each seen soon after. */
  async follows(when: string): Promise<void> {
    const { alice } = this
    const times: number[] = []
    for (let count = 0; count < 5; count += 1) {
      const [id] = await alice.say(1)
      const since = performance.now()
      await this.#until(`a message ${when}`, () => this.#seen.has(id!))
      times.push(performance.now() - since)
    }
    times.sort((a, b) => a - b)
    this.#score.note(`messages ${when}: seen after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`)
    await this.#change(when)
  }

  /** Waits until so many more of what is being written have been seen. */
  async sees(count: number): Promise<void> {
    const target = this.seen + count
    await this.#until(`${count} more messages`, () => this.seen >= target)
  }

  /** Everything written so far is seen. */
  async catchesUp(when: string): Promise<void> {
    const { sent } = this.alice
    try {
      await this.#until(`all messages ${when}`, () => sent.every((id) => this.#seen.has(id)))
    } finally {
      this.#score.equal(`messages seen ${when}`, sent.length, this.seen)
    }
  }

  /** The negative control: something is written, and is not seen. */
  async isBlind(promise: string): Promise<void> {
    const before = this.seen
    await this.alice.say(3)
    await this.alice.user.setTyping(this.alice.room, true)
    const end = performance.now() + 2500
    while (performance.now() < end) this.#take(await this.#sync(500))
    this.#score.equal(promise, 0, this.seen - before)
  }

  /** Typing and account data: both are told to the worker by replication alone, or cached there. */
  async #change(when: string): Promise<void> {
    const { user, room } = this.alice
    this.#mark += 1
    const mark = this.#mark
    this.changed += 3
    await user.setAccountData('org.example.mark', { mark })
    await this.#untilWhole(`account data ${when}`, (answer) =>
      (answer.account_data?.events ?? []).some(
        ({ type, content }) => type === 'org.example.mark' && content['mark'] === mark,
      ),
    )
    await user.setTyping(room, true)
    await this.#untilWhole(`typing ${when}`, (answer) => typing(answer, room).includes(user.userId))
    await user.setTyping(room, false)
    await this.#untilWhole(`typing's end ${when}`, (answer) => !typing(answer, room).includes(user.userId))
  }

  async #untilWhole(what: string, isSeen: (answer: SyncAnswer) => boolean): Promise<void> {
    await waitUntil(what, async () => isSeen(await this.#reader.sync()), { deadlineMs: 60_000, everyMs: 100 })
    this.changesSeen += 1
  }

  async #until(what: string, isSeen: () => boolean): Promise<void> {
    await waitUntil(
      what,
      async () => {
        this.#take(await this.#sync(1000))
        return isSeen()
      },
      { deadlineMs: 60_000, everyMs: 0 },
    )
  }

  #sync(timeoutMs: number): Promise<SyncAnswer> {
    return this.#reader.sync({ timeoutMs, ...(this.#since !== undefined && { since: this.#since }) })
  }

  #roomKnown = false

  #take(answer: SyncAnswer): void {
    this.#since = answer.next_batch
    const room = answer.rooms?.join?.[this.alice.room]
    if (room === undefined) return
    this.#roomKnown = true
    for (const { event_id } of room.timeline.events) this.#seen.add(event_id)
  }
}

function typing(answer: SyncAnswer, room: string): readonly unknown[] {
  const events = answer.rooms?.join?.[room]?.ephemeral.events ?? []
  const users = events.findLast(({ type }) => type === 'm.typing')?.content['user_ids']
  return Array.isArray(users) ? users : []
}
