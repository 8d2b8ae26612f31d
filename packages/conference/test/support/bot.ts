import type { Program } from '../../../../test-support/program.js'
import { start } from './program.js'

/** A line of JSON that the program wrote. */
export type Line = Readonly<Record<string, unknown>>

/** A `headless` program on loopback, spoken to in commands. */
export class Bot implements AsyncDisposable {
  readonly program: Program
  #count = 0

  /** Without a profile the arguments name one. */
  constructor(profile: string | null, ...more: readonly string[]) {
    const who = profile === null ? [] : ['--profile', profile]
    const listen = ['--listen', '127.0.0.1:0', '--log-level', 'error']
    this.program = start(['headless', ...who, ...listen, ...more])
  }

  /** All that was told so far. */
  get lines(): Line[] {
    const whole = this.program.out.slice(0, this.program.out.lastIndexOf('\n') + 1)
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
  }

  /** Waits for an event with these fields, however long ago it came. */
  event(kind: string, fields: Line = {}): Promise<Line> {
    return this.program.until(() =>
      this.lines.find(
        (line) =>
          line['event'] === kind && Object.entries(fields).every(([name, value]) => line[name] === value),
      ),
    )
  }

  /** Events of a kind so far. */
  events(kind: string): Line[] {
    return this.lines.filter(({ event }) => event === kind)
  }

  /** Gives a command and waits for the reply. */
  async ask(command: Line): Promise<Line> {
    const id = (this.#count += 1)
    this.program.write(`${JSON.stringify({ ...command, id })}\n`)
    return this.program.until(() => this.lines.find(({ reply }) => reply === id))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]()
  }
}
