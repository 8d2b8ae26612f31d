import type { Dialer, End, Endpoint, Link } from '@holdfast/core'

/** A client that writes bytes and keeps the lines it gets, as netcat would. */
export class RawClient {
  readonly link: Link
  readonly #lines: string[] = []
  #rest = ''
  #taken = 0
  ended: End | null = null

  constructor(dialer: Dialer, to: Endpoint) {
    this.link = dialer.dial(to, {
      opened: () => undefined,
      data: (chunk) => this.#data(Buffer.from(chunk).toString('utf8')),
      writable: () => undefined,
      ended: (why) => {
        this.ended = why
      },
    })
  }

  send(...lines: readonly string[]): void {
    this.link.write(lines.map((line) => `${line}\n`).join(''))
  }

  /** Everything received so far. */
  get lines(): readonly string[] {
    return this.#lines
  }

  /** Lines since the last call, periodic PINGs after the first left out. */
  take(): string[] {
    const fresh = this.#lines
      .slice(this.#taken)
      .filter((line, index) => !line.startsWith('PING ') || this.#taken + index < 2)
    this.#taken = this.#lines.length
    return fresh
  }

  #data(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    this.#lines.push(...lines)
  }
}
