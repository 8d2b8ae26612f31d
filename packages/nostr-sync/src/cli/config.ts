import { z } from 'zod'
import { normalizeRelayUrl } from '../wire/relay-url.js'
import { parseDomain, wrongDomain } from './domain.js'
import { parseRepositoryRule } from './repository-rule.js'

const size = z.number().int().positive()
const relay = z.string().transform((text, context) => {
  const url = normalizeRelayUrl(text)
  if (url === null)
    context.issues.push({ code: 'custom', message: 'It must be a ws:// or wss:// URL', input: text })
  return url ?? text
})
const repository = z.string().transform((text, context) => {
  const rule = parseRepositoryRule(text)
  if (rule === null)
    context.issues.push({
      code: 'custom',
      message: 'It must be npub…, npub…/identifier or identifier',
      input: text,
    })
  return rule ?? {}
})
const author = z
  .string()
  .regex(/^[0-9a-f]{64}$/, { error: 'It must be a public key of 64 lower-case hex digits' })
const repositories = z.array(repository)
const listen = z.string().refine((text) => /^wss?:\/\/.+/.test(text) && URL.canParse(text), {
  error: 'It must be ws://HOST:PORT or wss://HOST:PORT, with a port up to 65535',
})
const domain = z.string().transform((text, context) => {
  const name = parseDomain(text)
  if (name === null) context.issues.push({ code: 'custom', message: wrongDomain, input: text })
  return name ?? text
})

/** Which events are taken: without `domains` every valid one, else those that the rules of a GRASP server take (spec 7). */
const admission = {
  domains: z.array(domain).default([]),
  archiveAll: z.boolean().default(false),
  archiveAllowList: repositories.optional(),
  archiveServices: z.array(z.string().min(1)).optional(),
  repositoryAllowList: repositories.optional(),
  repositoryBlockList: repositories.optional(),
  authorBlockList: z.array(author).optional(),
}

/** What every command that has a relay endpoint has in common. */
export const servingFields = {
  /** Directory of the event store. */
  data: z.string().min(1),
  listen: listen.default('ws://127.0.0.1:7777'),
  /** Files of PEM, for `wss:`. */
  certificate: z.string().optional(),
  key: z.string().optional(),
  /** Our URL as clients know it, for NIP-42. */
  url: relay.optional(),
  authRequired: z.boolean().default(false),
  name: z.string().max(100).optional(),
  ...admission,
  /** Relays that get everything that is saved. */
  forwardTo: z.array(relay).default([]),
  /** A file that gets everything that is saved. */
  appendTo: z.string().min(1).optional(),
  verifyWorkers: size.optional(),
  limits: z
    .strictObject({
      clients: size.optional(),
      clientsPerAddress: size.optional(),
      messageBytes: size.optional(),
      subscriptions: size.optional(),
      filters: size.optional(),
      storedEvents: size.optional(),
      negentropyItems: size.optional(),
    })
    .default({}),
}

type ServingFields = z.output<z.ZodObject<typeof servingFields>>

/** What fields need of one another. */
function checkTogether(
  { listen, certificate, key, authRequired, url }: ServingFields,
  context: z.RefinementCtx,
): void {
  const complain = (field: keyof ServingFields, message: string): void =>
    context.addIssue({ code: 'custom', path: [field], message })
  const isSecure = listen.startsWith('wss:')
  if (isSecure && (certificate === undefined || key === undefined))
    complain('listen', 'It needs certificate and key, files of PEM, to be served by wss:')
  if (!isSecure && certificate !== undefined)
    complain('certificate', 'It is used only where listen begins with wss://')
  if (authRequired && url === undefined)
    complain('authRequired', 'It needs url, our URL as clients know it, for they sign that')
}

/** Configuration of `serve` (R105). */
export const serveSchema = z.strictObject(servingFields).superRefine(checkTogether)

/** Checked configuration of `serve`. */
export type ServeConfig = z.output<typeof serveSchema>

/** Configuration of `run` (R105): that of `serve`, and whom to mirror. */
export const runSchema = z
  .strictObject({
    ...servingFields,
    domains: z.array(domain).min(1, { error: 'It must name at least one domain: ours' }),
    bootstrapRelays: z.array(relay).default([]),
    /** File of a secret key, 64 hex digits, for relays that ask who we are (NIP-42). */
    authKeyFile: z.string().min(1).optional(),
    negentropy: z.enum(['auto', 'off']).default('auto'),
    /** Connect to addresses that are not on the public internet, too. */
    allowPrivateTargets: z.boolean().default(false),
    maxRelays: size.optional(),
    maxRelaysPerRepo: size.optional(),
    maxConcurrentConnects: size.optional(),
  })
  .superRefine(checkTogether)

/** Checked configuration of `run`. */
export type RunConfig = z.output<typeof runSchema>
