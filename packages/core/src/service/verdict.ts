import { styleText } from 'node:util'

/** One promise: what was promised, what was counted, and whether it held. */
export interface Verdict {
  readonly promised: string
  readonly counted: string
  readonly held: boolean
}

/** Verdicts as a table, with a line for its head. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const width = Math.max(...verdicts.map(({ promised }) => promised.length))
  const lines = verdicts.map(({ promised, counted, held }) => {
    const verdict = held ? styleText('green', 'held   ') : styleText('red', 'BROKEN ')
    return `${promised.padEnd(width)}  ${verdict}  ${counted}\n`
  })
  return `\n${'promised'.padEnd(width)}  verdict  counted\n${lines.join('')}`
}
