import { readFile } from 'node:fs/promises'
import { type Clock, HoldfastError, type Millis } from '@holdfast/core'
import type { TelegramSettings } from '../config/settings.js'
import { ipToText, isIpv4, parseIp } from '../wire/ip-address.js'
import { parseProxyConfig } from '../wire/proxy-config.js'
import { httpFetch } from './http-fetch.js'

/** How documents are fetched. */
export interface DocumentOptions {
  readonly clock: Clock
  /** For each request, in milliseconds. */
  readonly within: Millis
  readonly userAgent: string
  readonly signal?: AbortSignal | undefined
}

/** Where a document is. */
type Place = TelegramSettings['secret']

/** What Telegram's secret may measure (spec 4). */
const secretBytes = { min: 32, max: 256 }
const maxConfigBytes = 1_048_576
const maxIpBytes = 256

/** @throws a `HoldfastError` `HF_MTPROTO_FETCH_FAILED`, or `HF_MTPROTO_BAD_DOCUMENT` when it is too short or too long */
export async function getProxySecret(place: Place, options: DocumentOptions): Promise<Buffer> {
  const secret = await getDocument(place, secretBytes.max, options)
  const { length } = secret
  if (length < secretBytes.min) {
    throw badDocument(place.at, `has ${length} bytes, a secret has ${secretBytes.min} to ${secretBytes.max}`)
  }
  return secret
}

/** @throws a `HoldfastError` `HF_MTPROTO_FETCH_FAILED`, or `HF_MTPROTO_BAD_DOCUMENT` when it names no address */
export async function getProxyConfig(place: Place, options: DocumentOptions): Promise<string> {
  const text = (await getDocument(place, maxConfigBytes, options)).toString('utf8')
  const { datacenters } = parseProxyConfig(text)
  if (datacenters.size === 0) throw badDocument(place.at, 'has no line that begins with proxy_for')
  return text
}

/**
 * Asks for the address that this host has on the Internet, one service after the other.
 *
 * @throws a `HoldfastError` `HF_MTPROTO_NO_EXTERNAL_IP` when none of them tells
 */
export async function getExternalIp(services: readonly string[], options: DocumentOptions): Promise<string> {
  const failures: string[] = []
  for (const at of services) {
    options.signal?.throwIfAborted()
    try {
      const text = (await getDocument({ kind: 'url', at }, maxIpBytes, options)).toString('latin1').trim()
      const ip = parseIp(text)
      if (ip !== null && isIpv4(ip)) return ipToText(ip)
      failures.push(`${at}: answers something else than an IPv4 address`)
    } catch (cause) {
      failures.push(cause instanceof Error ? cause.message : String(cause))
    }
  }
  throw new HoldfastError(
    'HF_MTPROTO_NO_EXTERNAL_IP',
    `nobody tells the address of this host; set external_ip (${failures.join('; ')})`,
  )
}

async function getDocument({ kind, at }: Place, maxBytes: number, options: DocumentOptions): Promise<Buffer> {
  if (kind === 'url') return await httpFetch(at, { ...options, maxBytes })
  let content: Buffer
  try {
    content = await readFile(at)
  } catch (cause) {
    throw new HoldfastError('HF_MTPROTO_FETCH_FAILED', `${at}: cannot be read: ${String(cause)}`, { cause })
  }
  if (content.length > maxBytes) throw badDocument(at, `has more than ${maxBytes} bytes`)
  return content
}

function badDocument(at: string, what: string): HoldfastError {
  return new HoldfastError('HF_MTPROTO_BAD_DOCUMENT', `${at}: ${what}`)
}
