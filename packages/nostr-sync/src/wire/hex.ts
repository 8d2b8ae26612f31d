const hex64 = /^[0-9a-f]{64}$/
const hex128 = /^[0-9a-f]{128}$/

/** Whether this is a 32-byte value, such as an event id or a public key, in lower-case hex. */
export function isHex64(text: unknown): text is string {
  return typeof text === 'string' && hex64.test(text)
}

/** Whether this is a 64-byte value, such as a signature, in lower-case hex. */
export function isHex128(text: unknown): text is string {
  return typeof text === 'string' && hex128.test(text)
}
