import type { Clock } from '@holdfast/core'
import { TestAuthor } from '../../testing/test-author.js'
import type { NostrEvent } from '../../wire/event.js'

/** The domain that the demonstration serves. */
export const domain = 'grasp.example'

const hourSecs = 3600
const daySecs = 24 * hourSecs

/** Those who write about one repository. */
export class People {
  readonly #clock: Clock
  readonly #alice = new TestAuthor('alice')
  readonly #bob = new TestAuthor('bob')
  #count = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Alice announces a repository that is to be found at these relays, and with us. */
  announce(relays: readonly string[]): NostrEvent {
    return this.#alice.announces('project', {
      created_at: this.#now(),
      relays: [`wss://${domain}`, ...relays],
      clone: [`https://${domain}/project.git`],
    })
  }

  /** Bob opens issues, now. */
  issues(count: number): NostrEvent[] {
    return Array.from({ length: count }, () => this.#issue(this.#now()))
  }

  /** Bob opens issues with logs in them, each of so many bytes. */
  longIssues(count: number, bytes: number): NostrEvent[] {
    const log = 'x'.repeat(bytes)
    return Array.from({ length: count }, () => this.#issue(this.#now(), log))
  }

  /** Issues of the last days, one an hour. */
  oldIssues(count: number): NostrEvent[] {
    return Array.from({ length: count }, (_, index) => this.#issue(this.#now() - (index + 1) * hourSecs))
  }

  /** An issue that Bob wrote yesterday, on a train, and publishes only now. */
  issueOfYesterday(): NostrEvent {
    return this.#issue(this.#now() - daySecs)
  }

  /** Alice answers. */
  comment(on: NostrEvent): NostrEvent {
    const tags = [['E', on.id]]
    return this.#alice.signs({ kind: 1111, created_at: this.#now(), tags, content: this.#text() })
  }

  #issue(created_at: number, more = ''): NostrEvent {
    const tags = [['a', `30617:${this.#alice.pubkey}:project`]]
    return this.#bob.signs({ kind: 1621, created_at, tags, content: `${this.#text()}${more}` })
  }

  #text(): string {
    this.#count += 1
    return `number ${this.#count}`
  }

  #now(): number {
    return Math.floor(this.#clock.wall() / 1000)
  }
}
