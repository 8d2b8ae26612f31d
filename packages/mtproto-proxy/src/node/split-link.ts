import { readFile } from 'node:fs/promises'
import { HoldfastError } from '@holdfast/core'
import type { SplitSettings } from '../config/settings.js'
import { type SplitTransport, splitEndpoint } from '../split/split-endpoint.js'

/**
 * The transport of a split link as it is configured.
 *
 * @throws a `HoldfastError`: `HF_MTPROTO_CERTIFICATE_UNREADABLE` when one of its files cannot be read,
 *   `HF_MTPROTO_INSECURE_SPLIT` when it would be in clear
 */
export async function splitLink({ at, tls }: SplitSettings): Promise<SplitTransport> {
  if (tls === null) return splitEndpoint(at.uri, null)
  const [ca, cert, key] = await Promise.all([readPem(tls.ca), readPem(tls.cert), readPem(tls.key)])
  return splitEndpoint(at.uri, { ca, cert, key })
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new HoldfastError(
      'HF_MTPROTO_CERTIFICATE_UNREADABLE',
      `cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}; «certs» makes certificates`,
      { cause },
    )
  }
}
