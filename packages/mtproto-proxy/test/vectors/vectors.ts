import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'

/** A file of this folder, as the shape that the test says. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller says what is in the file
export function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8')) as T
}

/** Bytes from hex. */
export const hex = (text: string): Buffer => Buffer.from(text, 'hex')
