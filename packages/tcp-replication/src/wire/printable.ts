/**
 * Makes text of a peer fit for a log line, a metric's label and a terminal: control characters are escaped, and what
 * is too long is cut.
 *
 * @param longest - characters kept at most
 */
export function printable(text: string, longest: number): string {
  const kept = text.length > longest ? `${text.slice(0, longest)}…` : text
  return kept.replace(/\p{Cc}/gu, (unit) => `\\x${unit.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
