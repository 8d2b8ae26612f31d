import { z } from 'zod'
import type { SecretFigures } from './policy.js'

/** What secrets have used up, as it is saved. */
export interface Usage {
  readonly version: 1
  /** Bytes in both directions by the secret's name. */
  readonly bytes: Readonly<Record<string, number>>
}

const schema: z.ZodType<Usage> = z.object({
  version: z.literal(1),
  bytes: z.record(z.string(), z.number().nonnegative()),
})

/** Checks what was saved; fits as the `parse` of a file store. */
export function parseUsage(json: unknown): Usage {
  return schema.parse(json)
}

/** What was saved, if anything was. */
export function usageOf(usage: Usage | undefined): readonly (readonly [name: string, bytes: number])[] {
  return Object.entries(usage?.bytes ?? {})
}

/** What is to be saved. */
export function formatUsage(secrets: readonly SecretFigures[]): Usage {
  const used = secrets.filter(({ bytes }) => bytes > 0)
  return { version: 1, bytes: Object.fromEntries(used.map(({ name, bytes }) => [name, bytes])) }
}
