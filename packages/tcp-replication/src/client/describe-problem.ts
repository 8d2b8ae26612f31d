import { printable } from '../wire/printable.js'
import type { ClientProblem } from './options.js'

/** Says in one line what a problem is, for logs and people; what a peer wrote is cut short. */
export function describeProblem(problem: ClientProblem): string {
  switch (problem.kind) {
    case 'reset':
      return `${problem.stream} starts over at ${problem.position ?? 'an unknown position'} (${problem.why})`
    case 'server-error':
      return `the server reports: ${printable(problem.text, 200)}`
    case 'bad-row':
      return `${problem.stream} ${problem.token}: ${problem.error.message}${problem.stopped ? '; the stream is stopped' : ''}`
    case 'unknown-stream':
      return `the server sends ${printable(problem.stream, 100)}, which was not asked for`
    case 'not-served':
      return `the server has no ${problem.stream}`
    case 'unknown-command':
      return `the server says ${problem.command}, which is unknown`
    case 'bad-line':
      return `somebody says what cannot be understood: ${printable(problem.text, 200)}`
    case 'overflow':
      return `a buffer was full and the link ended: ${problem.detail}`
  }
}
