import { styleText } from 'node:util'
import type { Clock, Millis } from '../index.js'
import { type Verdict, verdictTable } from './verdict.js'

/** Text at the bottom of a terminal that is written anew each time; `createLogUpdate` of `log-update` makes one. */
export interface LiveText {
  /** Replaces it. */
  (text: string): void
  /** Takes it away. */
  clear(): void
  /** Leaves it as it is, and ends. */
  done(): void
}

/** Options of {@link Show}. */
export interface ShowOptions {
  readonly out: Pick<NodeJS.WriteStream, 'write'>
  /** `null` where `out` is no terminal: only what happens is told then, and no status. */
  readonly live: LiveText | null
}

/**
 * A demonstration on a terminal: what happens, below it a live status, at the end a table of promises.
 *
 * @example
 * ```ts
 * import { Show } from '@holdfast/core/service'
 *
 * let text = ''
 * const show = new Show({ out: { write: (some: string) => ((text += some), true) }, live: null })
 * show.say('the server is dead')
 * show.finish([{ promised: 'nothing is lost', counted: '0 of 7', held: true }])
 * text.includes('nothing is lost') // => true
 * ```
 */
export class Show {
  readonly #out: ShowOptions['out']
  readonly #live: LiveText | null
  #title = ''

  constructor({ out, live }: ShowOptions) {
    this.#out = out
    this.#live = live
  }

  /** The scene that is on. */
  get title(): string {
    return this.#title
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

  /** Draws the status anew, below the title of the scene. */
  draw(lines: () => readonly string[]): void {
    this.#live?.(['', styleText('dim', this.#title), ...lines()].join('\n'))
  }

  /** The table at the end. */
  finish(verdicts: readonly Verdict[]): void {
    this.#live?.clear()
    this.#live?.done()
    this.#out.write(verdictTable(verdicts))
  }

  #print(text: string): void {
    this.#live?.clear()
    this.#out.write(`${text}\n`)
  }
}

/**
 * Waits until something is so; it is looked at as often as anything could change it.
 *
 * @param within - in milliseconds; 15000 unless given
 * @param what - what is waited for, for the error
 * @returns how long it took
 * @throws an `Error` when it does not become so
 */
export async function showUntil(
  clock: Clock,
  isMet: () => boolean,
  within: Millis = 15_000,
  what?: string,
): Promise<Millis> {
  const began = clock.now()
  while (!isMet()) {
    if (clock.now() - began > within) throw waitedInVain(within, what)
    await showPause(clock, 10)
  }
  return clock.now() - began
}

/**
 * Waits for a promise, but not for ever: a demonstration that hangs shows nothing.
 *
 * @param what - what is waited for, for the error
 * @throws an `Error` when it does not settle in time, or what the promise was rejected with
 */
export async function showWithin<T>(
  clock: Clock,
  promise: PromiseLike<T>,
  within: Millis,
  what: string,
): Promise<T> {
  let over = (): void => undefined
  const late = new Promise<never>((_, reject) => (over = () => reject(waitedInVain(within, what))))
  const timer = clock.after(within, over)
  try {
    return await Promise.race([promise, late])
  } finally {
    timer.cancel()
  }
}

function waitedInVain(within: Millis, what?: string): Error {
  const aim = what === undefined ? '' : ` for ${what}`
  return new Error(`the demonstration waited ${within} ms in vain${aim}`)
}

/** Lets some time pass. */
export function showPause(clock: Clock, ms: Millis): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve))
}
