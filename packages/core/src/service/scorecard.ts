import type { Clock } from '../index.js'
import { type Verdict, verdictTable } from './verdict.js'

/** Options of {@link Scorecard}. */
export interface ScorecardOptions {
  readonly out: Pick<NodeJS.WriteStream, 'write'>
  readonly clock: Clock
}

/**
 * Runs scenarios, each a story with promises in it, and tells each promise as it is kept or broken; at the end a table
 * of all.
 *
 * @example
 * ```ts
 * import { Scorecard } from '@holdfast/core/service'
 * import { VirtualClock } from '@holdfast/core/testing'
 *
 * let text = ''
 * const out = { write: (some: string) => ((text += some), true) }
 * const card = new Scorecard({ out, clock: new VirtualClock() })
 * await card.scenario('restart', 'the server is killed and comes back', async () => {
 *   card.equal('rows sent, and received', 7, 7)
 * })
 * card.finish() // => true
 * text.includes('restart: rows sent, and received  held     7 promised, 7 counted') // => true
 * ```
 */
export class Scorecard {
  readonly #out: ScorecardOptions['out']
  readonly #clock: Clock
  readonly #began: number
  readonly #verdicts: Verdict[] = []
  #scenario = ''

  constructor({ out, clock }: ScorecardOptions) {
    this.#out = out
    this.#clock = clock
    this.#began = clock.now()
  }

  /** Runs a scenario; one that throws has broken its promise to run to its end. */
  async scenario(name: string, about: string, run: () => Promise<void>): Promise<void> {
    this.#scenario = name
    this.#print(`\n${name}: ${about}`)
    const began = this.#clock.now()
    try {
      await run()
    } catch (error) {
      this.#add('runs to its end', false, 'no')
      this.note(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    this.note(`took ${this.#since(began)}`)
  }

  /** Something worth knowing that nobody promised. */
  note(text: string): void {
    this.#print(`  ${text}`)
  }

  /** Something that was promised, whether it is so, and what was counted. */
  promise(promised: string, held: boolean, counted: string): void {
    this.#add(promised, held, counted)
  }

  /** It was promised that one is as the other. */
  equal(promised: string, wanted: number | string, counted: number | string): void {
    this.#add(promised, wanted === counted, `${wanted} promised, ${counted} counted`)
  }

  /** It was promised that something comes about; tells how long it took. */
  async seen<T>(promised: string, coming: Promise<T>): Promise<T> {
    const began = this.#clock.now()
    try {
      const value = await coming
      this.#add(promised, true, `after ${this.#since(began)}`)
      return value
    } catch (error) {
      this.#add(promised, false, `not within ${this.#since(began)}`)
      throw error
    }
  }

  /** The table of all promises. Returns whether all of them held. */
  finish(): boolean {
    const held = this.#verdicts.every((verdict) => verdict.held)
    this.#out.write(verdictTable(this.#verdicts))
    this.#print(`\n${held ? 'All promises held' : 'A PROMISE WAS BROKEN'}, in ${this.#since(this.#began)}.`)
    return held
  }

  #add(promised: string, held: boolean, counted: string): void {
    this.#verdicts.push({ promised: `${this.#scenario}: ${promised}`, held, counted })
    this.#print(`  ${held ? 'held  ' : 'BROKEN'} ${promised}: ${counted}`)
  }

  #since(began: number): string {
    const ms = this.#clock.now() - began
    return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
  }

  #print(line: string): void {
    this.#out.write(`${line}\n`)
  }
}
