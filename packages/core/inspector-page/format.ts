import type { InspectedEnd } from '../src/inspector/types.js'

/** How long ago something was, or how long it takes, in words. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3600)} h`
}

/** An end in one line: what, which code, why, and what follows. */
export function endText({ kind, code, detail, advice }: InspectedEnd): string {
  const parts = [code === undefined ? kind : `${kind} (${code})`]
  if (detail !== undefined) parts.push(detail)
  const text = parts.join(': ')
  return advice === undefined ? text : `${text} → ${advice}`
}

/** The time of day, to the millisecond. */
export function timeOfDay(at: number): string {
  const date = new Date(at)
  const two = (part: number): string => String(part).padStart(2, '0')
  const ms = String(date.getMilliseconds()).padStart(3, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`
}

/** `1 link`, `2 links`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
