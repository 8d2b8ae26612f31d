import { styleText } from 'node:util'
import { type LiveText, Show } from '../packages/core/src/service/index.js'

/** One screen for several shows: what happens is told in lines that say where, below it a status of each. */
export class Screen {
  readonly #show: Show
  readonly #isLive: boolean
  readonly #panes = new Map<string, string>()

  /** @param isLive - whether there is a terminal */
  constructor(show: Show, isLive: boolean) {
    this.#show = show
    this.#isLive = isLive
  }

  /** A show within this one. */
  pane(name: string, about: string): Show {
    const head = styleText('cyan', name.padEnd(12))
    const keep = (text: string): void => {
      const [, scene = '', ...status] = text.split('\n')
      this.#panes.set(name, [`${head}${scene || styleText('dim', about)}`, ...status].join('\n'))
    }
    const live: LiveText = Object.assign(keep, { clear: () => undefined, done: () => undefined })
    const write = (text: string): boolean => {
      for (const line of text.split('\n')) if (line.trim() !== '') this.#show.say(`${head}${line.trimEnd()}`)
      return true
    }
    return new Show({ out: { write }, live: this.#isLive ? live : null })
  }

  /** Draws all panes anew. */
  draw(): void {
    if (this.#isLive) this.#show.draw(() => [...this.#panes.values()].flatMap((pane) => pane.split('\n')))
  }
}
