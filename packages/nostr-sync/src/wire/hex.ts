/** By UTF-16 unit: 1 for a lower-case hex digit. */
const isDigit = new Uint8Array(2 ** 16)
for (const digit of '0123456789abcdef') isDigit[digit.charCodeAt(0)] = 1

/** Whether this is a 32-byte value, such as an event id or a public key, in lower-case hex. */
export function isHex64(text: unknown): text is string {
  return typeof text === 'string' && isHex(text, 64)
}

/** Whether this is a 64-byte value, such as a signature, in lower-case hex. */
export function isHex128(text: unknown): text is string {
  return typeof text === 'string' && isHex(text, 128)
}

/** Asked a dozen times of each event: a third of the time of a regular expression. */
function isHex(text: string, digits: number): boolean {
  if (text.length !== digits) return false
  for (let at = 0; at < digits; at++) if (isDigit[text.charCodeAt(at)] !== 1) return false
  return true
}
