import { styleText } from 'node:util'
import { createLogUpdate } from 'log-update'
import type { DemoFollower } from './follower.js'
import type { Oracle } from './oracle.js'
import type { Verdict } from './scenes.js'
import type { ServerProcess } from './server-process.js'

/** What the live status shows. */
export interface Scenery {
  readonly server: ServerProcess
  readonly oracle: Oracle
  readonly followers: readonly DemoFollower[]
}

/** The demonstration on a terminal: a live status below what has happened; without a terminal only the latter. */
export class DemoView {
  readonly #out: NodeJS.WriteStream
  readonly #update
  #title = ''

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
    this.#update = out.isTTY ? createLogUpdate(out) : null
  }

  /** A scene begins. */
  scene(title: string): void {
    this.#title = title
    this.#print(styleText('bold', `▶ ${title}`))
  }

  /** Something happened. */
  say(text: string): void {
    this.#print(`  ${text}`)
  }

  /** Draws the status anew. */
  draw({ server, oracle, followers }: Scenery): void {
    if (this.#update === null) return
    const lines = followers.map(({ name, client, witness, links }) => {
      const { batches, repeated } = witness.tally()
      const { phase } = client.state
      const colour = phase === 'ready' ? 'green' : 'yellow'
      return `  ${name.padEnd(12)} ${styleText(colour, phase.padEnd(12))} ${batches} batches applied, ${repeated} repeated, link ${links}`
    })
    const state = server.isRunning ? styleText('green', 'running') : styleText('red', 'down')
    const head = `  ${'server'.padEnd(12)} ${state.padEnd(22)} ${oracle.batches} batches acknowledged`
    this.#update(['', styleText('dim', this.#title), head, ...lines].join('\n'))
  }

  /** The table at the end. */
  finish(verdicts: readonly Verdict[]): void {
    this.#update?.clear()
    this.#update?.done()
    const width = Math.max(...verdicts.map(({ promised }) => promised.length))
    this.#out.write(`\n${'promised'.padEnd(width)}  verdict  counted\n`)
    for (const { promised, counted, held } of verdicts) {
      const verdict = held ? styleText('green', 'held   ') : styleText('red', 'BROKEN ')
      this.#out.write(`${promised.padEnd(width)}  ${verdict}  ${counted}\n`)
    }
  }

  #print(text: string): void {
    this.#update?.clear()
    this.#out.write(`${text}\n`)
  }
}
