import { z } from 'zod'
import { friendKey, hostPort, knownNode, theirHostPort } from './addresses.js'
import { defaultProfile } from './profile-option.js'

/** Configuration of `chat`, `join` and `headless`: who we are, and how others are reached. */
export const memberSchema = z.strictObject({
  /** The Tox save file. */
  profile: z.string().min(1).default(defaultProfile),
  /** UDP address of our own. */
  listen: as(hostPort).default({ host: '0.0.0.0', port: 0 }),
  /** Nodes of the network. */
  bootstrap: z.array(as(knownNode)).default([]),
  /** TCP relays. */
  relay: z.array(as(knownNode)).default([]),
  /** Addresses that are told of us. */
  neighbour: z.array(as(theirHostPort)).default([]),
  /** Tox IDs or public keys that become friends. */
  friend: z.array(as(friendKey)).default([]),
  /** Find friends on the local network, and be found there. */
  lan: z.boolean().default(false),
  /** Where `headless` serves its status. */
  http: z.string().optional(),
})

/** Checked configuration of `chat`, `join` and `headless`. */
export type MemberConfig = z.output<typeof memberSchema>

/** Text that means something else, by a parser that throws what is wrong with it. */
function as<T>(parse: (text: string) => T): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    try {
      return parse(text)
    } catch (cause) {
      const message = cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause)
      context.issues.push({ code: 'custom', message, input: text })
      return z.NEVER
    }
  })
}
