import type { z } from 'zod'

/**
 * What a reload does about an option that has changed.
 *
 * - `at-once`: it holds at once, for those inside too.
 * - `new-clients`: for clients who come in from now on.
 * - `new-connections`: for connections to Telegram, or to the other half of a split proxy, that are opened from now on.
 * - `listeners`: the ports that changed are bound anew.
 * - `restart`: the reload is refused; the program has to be restarted.
 */
export type ReloadEffect = 'at-once' | 'new-clients' | 'new-connections' | 'listeners' | 'restart'

/** What is known of an option beside its type. */
export interface OptionFacts {
  /** A sentence for people. */
  readonly about: string
  readonly reload: ReloadEffect
  /** Only this half of a split proxy looks at it. */
  readonly side?: 'front' | 'back'
  /** Its value is never shown. */
  readonly secret?: true
}

/** An option of the configuration: its schema with what is known of it. */
export function option<S extends z.ZodType>(schema: S, facts: OptionFacts): S {
  return schema.meta({ ...facts })
}

/** What is known of an option, or `undefined` of what was not made by {@link option}. */
export function factsOf(schema: z.ZodType): OptionFacts | undefined {
  const meta = schema.meta()
  return meta?.['reload'] === undefined ? undefined : (meta as unknown as OptionFacts)
}
