import type { ClientProblem } from './options.js'

/** Told on one link at most. */
const mostTold = 100

/** Problems that a server causes all the time: each is told once on each link. */
export class RepeatedProblems {
  readonly #report: (problem: ClientProblem) => void
  readonly #told = new Set<string>()

  constructor(report: (problem: ClientProblem) => void) {
    this.#report = report
  }

  report(
    problem: ClientProblem & { readonly kind: 'unknown-stream' | 'unknown-command' | 'bad-line' },
  ): void {
    const what =
      problem.kind === 'unknown-stream' ? `stream ${problem.stream}` : `${problem.kind} ${problem.command}`
    if (this.#told.has(what) || this.#told.size >= mostTold) return
    this.#told.add(what)
    this.#report(problem)
  }
}
