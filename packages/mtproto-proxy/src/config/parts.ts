import { isIP } from 'node:net'
import { z } from 'zod'
import { parsePrefix } from '../policy/ip-prefix.js'
import { parseKey } from '../policy/rules.js'
import { parseSecret } from '../wire/secret.js'

const hint = 'holdfast-mtproto-proxy secret generate'

/** A whole number above 0. */
export const count = z.number().int().positive()

/** An address without a port. */
export const ip = z.string().refine((text) => isIP(text) !== 0, { error: 'must be an IP address' })

/** A name of a port, secret or table. */
const name = z.string().regex(/^[\w.-]{1,64}$/, {
  error: 'must be 1 to 64 letters, digits, dots, hyphens and underscores',
})

/** A host's name, as clients put it into a ClientHello. */
export const domain = z
  .string()
  .regex(/^(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$/i, {
    error: 'must be the name of a host, such as www.example.com',
  })
  .toLowerCase()

const key = z.string().refine(isSecret, {
  error: `must be 32 hex digits, or what a link has after secret=; make one by "${hint}"`,
})

const tag = z.string().regex(/^[\da-f]{32}$/i, {
  error: 'must be the 32 hex digits that @MTProxybot gave for the promoted channel',
})

function isSecret(text: string): boolean {
  try {
    parseSecret(text)
    return true
  } catch {
    // Whatever is wrong with it, the schema says what it must be.
    return false
  }
}

const unit: Readonly<Record<string, number>> = {
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** A number of bytes, or text such as `50 GiB`. */
export function bytesOf(value: number | string): number {
  if (typeof value === 'number') return value
  const [, amount = '', name = ''] = /^([\d.]+)\s*([a-z]+)$/i.exec(value) ?? []
  return Math.floor(Number(amount) * (unit[name.toLowerCase()] ?? Number.NaN))
}

const quota = z
  .union([z.number(), z.string()])
  .refine((value) => Number.isSafeInteger(bytesOf(value)) && bytesOf(value) > 0, {
    error: 'must be a number of bytes, or text such as "50 GiB"',
  })

/** A date of TOML, or text such as `2027-01-31`, the beginning of that day in UTC. */
const moment = z
  .union([z.date(), z.iso.date(), z.iso.datetime({ offset: true })], {
    error: 'must be a date, such as 2027-01-31 or 2027-01-31T12:00:00Z',
  })
  .pipe(z.coerce.date())

/** One secret of a port: whose it is, and what its owner may do. @internal */
export const secret = z.strictObject({
  name,
  secret: key,
  tag: tag.optional(),
  domain: domain.optional(),
  enabled: z.boolean().default(true),
  expires: moment.optional(),
  quota_bytes: quota.optional(),
  max_connections: count.optional(),
})

const network = z.string().refine((text) => parsePrefix(text) !== null, {
  error: 'must be an address, or a block such as 192.0.2.0/24',
})

/** One port: where it listens, and who may come in by it. */
export const port = z.strictObject({
  name,
  port: z.number().int().min(0).max(65_535),
  listen_ip: ip.optional(),
  listen_fd: z.number().int().min(3).optional(),
  secret: key.optional(),
  secrets: z.array(secret).default([]),
  tag: tag.optional(),
  domain: domain.optional(),
  proxy_protocol: z.union([z.boolean(), z.array(network).min(1)]).default(false),
})

const policyKey = z.string().refine((text) => parseKey(text) !== null, {
  error:
    'must be port_name, secret, tls_domain, client_ipv4, client_ipv6, client_ipv4_subnet/N or client_ipv6_subnet/N',
})

/** One rule of the policy. */
export const policyRule = z.discriminatedUnion('rule', [
  z.strictObject({ rule: z.literal('in_table'), key: policyKey, table: name }),
  z.strictObject({ rule: z.literal('not_in_table'), key: policyKey, table: name }),
  z.strictObject({
    rule: z.literal('max_connections'),
    keys: z.array(policyKey).min(1),
    max: z.number().int().min(0),
  }),
])

/** One table: what is in it, and a file with more. */
export const table = z.strictObject({
  entries: z.array(z.string().min(1)).default([]),
  file: z.string().min(1).optional(),
})

/** `HOST:PORT` or a port on loopback. */
export const httpAddress = z
  .string()
  .regex(/^(?:\[[^\]]+\]:|[^:[\]]+:)?\d{1,5}$/, { error: 'must be HOST:PORT, or a port on loopback' })

/** A URL of HTTP. */
export const httpUrl = z.url({
  protocol: /^https?$/,
  error: 'must be a URL, such as https://example.com/',
})
