import { z } from 'zod'
import { UnsendableError } from '../wire/errors.js'
import { encodeJson } from '../wire/json.js'
import { RowError } from './row-error.js'
import type { JsonObject } from './rows.js'

/** Row values as JSON has them ⇄ rows with names. */
export interface RowCodec<Row> {
  /** @throws a {@link RowError} */
  decode(stream: string, value: unknown): { readonly row: Row; readonly extra: number }
  /** @throws an {@link UnsendableError} */
  encode(row: Row): unknown
}

/** What SQLite gives for a boolean, too (9.2). */
export const flag: z.ZodType<boolean> = z.codec(z.union([z.boolean(), z.literal([0, 1])]), z.boolean(), {
  decode: (value) => value === true || value === 1,
  encode: (value) => value,
})

/** Checked, not copied: the content is the application's. */
export const jsonObject: z.ZodType<JsonObject> = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected an object',
)

/** Any value but none: with it, an optional member that is absent stays absent. */
export const present: z.ZodType = z.custom((value) => value !== undefined, 'expected a value')

/** JSON text within a string ⇄ the value it stands for. */
export function jsonText<Value>(schema: z.ZodType<Value>): z.ZodType<Value> {
  return z.codec(z.string(), schema, {
    decode: (text, context) => {
      try {
        return JSON.parse(text) as unknown
      } catch {
        context.issues.push({ code: 'custom', input: text, message: 'not JSON text' })
        return z.NEVER
      }
    },
    encode: encodeJson,
  })
}

/**
 * Arrays whose members have names by position.
 *
 * Of several forms the longest that the array is long enough for is taken, so a newer peer's further members are
 * ignored, and counted; forms of one length are told apart by the types of their members (14.1). Written is the
 * form that has exactly the members of the row.
 */
export function positional<Row extends object>(
  schema: z.ZodType<Row>,
  ...forms: readonly (readonly (keyof Row & string)[])[]
): RowCodec<Row> {
  const lengths = [...new Set(forms.map((form) => form.length))].sort((a, b) => b - a)
  const shortest = Math.min(...lengths)
  return {
    decode(stream, value) {
      const members = array(stream, value, shortest)
      const length = lengths.find((known) => known <= members.length) ?? shortest
      let problem: z.ZodError | undefined
      for (const form of forms) {
        if (form.length !== length) continue
        const named: Record<string, unknown> = {}
        for (const [index, key] of form.entries()) named[key] = members[index]
        const read = schema.safeParse(named)
        if (read.success) return { row: read.data, extra: members.length - length }
        problem ??= read.error
      }
      throw membersError(stream, problem)
    },
    encode(row) {
      const named = checked(schema, row) as Record<string, unknown>
      const count = Object.keys(named).length
      const form = forms.find(
        (keys) => keys.length === count && keys.every((key) => Object.hasOwn(named, key)),
      )
      if (!form) throw new UnsendableError('row', `of one of the forms ${forms.join(' | ')}`)
      return form.map((key) => named[key])
    },
  }
}

/** @throws a {@link RowError} unless the value is an array of at least `shortest` members */
export function array(stream: string, value: unknown, shortest: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new RowError(stream, 'shape', 'expected an array')
  if (value.length < shortest) {
    throw new RowError(stream, 'shape', `expected at least ${shortest} members, got ${value.length}`)
  }
  return value
}

/** Reads a value by its schema. @throws a {@link RowError} */
export function parsed<Value>(stream: string, schema: z.ZodType<Value>, value: unknown): Value {
  const read = schema.safeParse(value)
  if (!read.success) throw membersError(stream, read.error)
  return read.data
}

/** Writes a value by its schema. @throws an {@link UnsendableError} */
export function checked<Value>(schema: z.ZodType<Value>, value: Value): unknown {
  const written = z.safeEncode(schema, value)
  if (written.success) return written.data
  throw new UnsendableError('row', `as its type says: ${z.prettifyError(written.error)}`, {
    cause: written.error,
  })
}

function membersError(stream: string, problem: z.ZodError | undefined): RowError {
  return new RowError(stream, 'members', problem ? z.prettifyError(problem) : 'no known form', {
    cause: problem,
  })
}
