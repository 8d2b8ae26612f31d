/** One line of a conversation as it was captured: what either side said, or that the connection was closed. */
export interface TranscriptLine {
  readonly dir: string
  readonly msg?: string
}

/**
 * Plays the relay's part of a captured conversation: what it said to a message is said again to the next message of the same
 * verb and subscription (or event), whatever else is in that.
 */
export class Transcript {
  readonly #exchanges: { readonly asked: string; readonly answers: readonly string[] }[]

  constructor(log: readonly TranscriptLine[]) {
    const exchanges: { asked: string; answers: string[] }[] = []
    for (const { dir, msg } of log) {
      if (msg === undefined) continue
      if (dir === 'client>relay') exchanges.push({ asked: subjectOf(msg), answers: [] })
      else exchanges.at(-1)?.answers.push(msg)
    }
    this.#exchanges = exchanges
  }

  /** How many messages of the client are still to come. */
  get left(): number {
    return this.#exchanges.length
  }

  /** What was said to it; null if the conversation does not go on like this. */
  answersTo(message: string): readonly string[] | null {
    const [next] = this.#exchanges
    if (next?.asked !== subjectOf(message)) return null
    this.#exchanges.shift()
    return next.answers
  }
}

/** Captured messages may be cut short: no more is read than what names their subject. */
function subjectOf(message: string): string {
  const [, verb = message] = /^\["([A-Z-]+)"/.exec(message) ?? []
  const subject = verb === 'EVENT' ? /"id":"([^"]*)"/ : /^\["[A-Z-]+","([^"]*)"/
  return `${verb} ${subject.exec(message)?.[1] ?? ''}`
}
