/** JSON as Synapse's own writer spaces it does not matter: rows are compared as values. */
export const encodeJson = (value: unknown): string => JSON.stringify(value)

/** A line with its JSON spaced in one way, so that lines can be compared (2.3). */
export function sameSpacing(line: string): string {
  const json = /^(RDATA \S+ \S+|INVALIDATE_CACHE \S+|USER_IP \S+) (.*)$/s.exec(line)
  return json === null ? line : `${json[1]} ${JSON.stringify(JSON.parse(json[2]!))}`
}

/** RDATA lines with the number in the place of `batch`: which rows belong together is the same either way. */
export function withoutBatches(lines: readonly string[]): string[] {
  const tokens = new Map<string, string>()
  return [...lines]
    .reverse()
    .map((line) => {
      const row = /^RDATA (\S+) (\S+) (.*)$/s.exec(line)
      if (row === null) return line
      const [, stream = '', token = '', rest = ''] = row
      if (token !== 'batch') tokens.set(stream, token)
      return `RDATA ${stream} ${tokens.get(stream) ?? 'batch'} ${rest}`
    })
    .reverse()
}

/** Replaces `{ "$repeat": [s, n] }` by the text that it stands for. */
export function unrepeated(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) => {
    const repeat = (inner as { $repeat?: [string, number] } | null)?.$repeat
    return repeat === undefined ? inner : repeat[0].repeat(repeat[1])
  })
}
