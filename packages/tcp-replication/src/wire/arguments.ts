/** Why arguments were refused; becomes the `ERROR` text. */
export class BadArguments extends Error {}

/**
 * Splits at the first `count` spaces, as Python's `split(' ', count)` does: the last part keeps its spaces and two
 * spaces in a row make an empty part (4).
 */
export function splitUpTo(text: string, count: number): string[] {
  const parts: string[] = []
  let start = 0
  while (parts.length < count) {
    const space = text.indexOf(' ', start)
    if (space < 0) break
    parts.push(text.slice(start, space))
    start = space + 1
  }
  parts.push(text.slice(start))
  return parts
}

/** @throws a {@link BadArguments} unless the text has at least `count` spaces */
export function split(text: string, count: number): string[] {
  const parts = splitUpTo(text, count)
  if (parts.length <= count) {
    throw new BadArguments(`not enough values to unpack (expected ${count + 1}, got ${parts.length})`)
  }
  return parts
}

const decimal = /^\s*[+-]?[0-9]+\s*$/

/** Whether {@link parseInteger} takes the text for a number, however large. */
export function looksLikeInteger(text: string): boolean {
  return decimal.test(text)
}

/**
 * Reads a decimal number with optional sign and surrounding white space (H 2.2).
 *
 * @throws a {@link BadArguments} for anything else, and for what a double cannot hold exactly
 */
export function parseInteger(text: string): number {
  return parseDigits(text) ?? parseDecimal(text)
}

/** Nearly every number is a few digits and nothing else; `null` for all others. */
function parseDigits(text: string): number | null {
  const { length } = text
  // So many digits are always held exactly.
  if (length === 0 || length > 15) return null
  let value = 0
  for (let at = 0; at < length; at += 1) {
    const digit = text.charCodeAt(at) - 48
    if (!(digit >= 0 && digit <= 9)) return null
    value = value * 10 + digit
  }
  return value
}

function parseDecimal(text: string): number {
  if (!decimal.test(text)) throw new BadArguments('not a decimal integer')
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new BadArguments('integer beyond 2^53-1')
  return value + 0 // -0 is 0
}

/** @throws a {@link BadArguments} */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The engine's message quotes the text, which may hold an access token.
    throw new BadArguments('not valid JSON')
  }
}
