import type { Clock, Timer } from '@holdfast/core'
import type { Player } from './cast.js'

const sayEveryMs = 250

/** Has those who can speak say something in turn, and remembers what each of them was allowed to say. */
export class Chatter {
  /** All that was said. */
  readonly said: string[] = []
  readonly #players: readonly Player[]
  readonly #silent = new Set<Player>()
  readonly #timer: Timer
  #turn = 0

  constructor(clock: Clock, players: readonly Player[]) {
    this.#players = players
    this.#timer = clock.sweep(sayEveryMs, () => this.#say())
  }

  /** Somebody says nothing any more, or again. */
  silence(player: Player, isSilent: boolean): void {
    if (isSilent) this.#silent.add(player)
    else this.#silent.delete(player)
  }

  /** Those who can speak say so many things at once. */
  burst(count: number): void {
    for (let left = count; left > 0; left -= 1) this.#say()
  }

  stop(): void {
    this.#timer.cancel()
  }

  /** What one of them should have heard and has not, of the first messages or of all; and what it has heard again. */
  tally(
    { heard }: Player,
    first = this.said.length,
  ): { readonly missing: number; readonly repeated: number } {
    const known = new Set(heard)
    return {
      missing: this.said.slice(0, first).filter((text) => !known.has(text)).length,
      repeated: heard.length - known.size,
    }
  }

  #say(): void {
    const speakers = this.#players.filter((player) => player.isRunning && !this.#silent.has(player))
    this.#turn += 1
    const speaker = speakers[this.#turn % speakers.length]
    if (!speaker) return
    const text = `${speaker.name} says number ${this.said.length + 1}`
    if (speaker.client.conferences.say(0, text) === null) this.said.push(text)
  }
}
