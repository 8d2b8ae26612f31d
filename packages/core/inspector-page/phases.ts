import type { PhaseChange } from '../src/inspector/types.js'

/** Phases of lifecycles: the more trouble, the earlier. */
export const phases: readonly PhaseChange[1][] = [
  'failed',
  'waiting',
  'dialing',
  'handshaking',
  'draining',
  'ready',
  'idle',
  'closed',
]

/** The colours of the style sheet, read again when the scheme changes. */
export class Colours {
  #known = new Map<string, string>()

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#known.clear())
  }

  of(name: string): string {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const colour = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
    this.#known.set(name, colour)
    return colour
  }
}
