/** What all subjects carry: lines of one length, so that who counts them need not search. */

/** The first token is one above; all have as many digits. */
export const firstHead = 1_000_000
/** Bytes of a line, its line feed included. */
export const lineBytes = 175

const start = 'RDATA events '
/** Where a line has its token, and how many digits. */
export const tokenAt = start.length
export const tokenDigits = 7
const beforeStamp = '["ev",["$'
/** Where a line has the time at which its row was made, in µs, and how many digits. */
export const stampAt = tokenAt + tokenDigits + 1 + beforeStamp.length
export const stampDigits = 12

const idFiller = 'a'.repeat(31)
const room = `!${'b'.repeat(18)}:localhost:8448`
const withoutFiller = lineOf(firstHead, JSON.stringify(rowOf(0, '')))
const filler = 'c'.repeat(lineBytes - withoutFiller.length)

/** A row of the stream `events`, as an application has it. */
export function rowOf(stamp: number, user = filler): unknown {
  const id = `$${String(stamp).padStart(stampDigits, '0')}${idFiller}`
  return ['ev', [id, room, 'm.room.member', user, null, null]]
}

export function lineOf(token: number, json: string): string {
  return `${start}${token} ${json}\n`
}

/** Time that all processes of this host share, in µs. */
export function microseconds(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000_000 + Math.floor(nanoseconds / 1000)
}

export function digitsAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let index = at; index < at + count; index += 1) value = value * 10 + (bytes[index] ?? 0) - 48
  return value
}
