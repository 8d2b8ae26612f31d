import { join } from 'node:path'
import type { Store } from '@holdfast/core'
import { fileStore } from '@holdfast/core/node'
import { z } from 'zod'
import type { TelegramSettings } from '../config/settings.js'

/** The last good answers of Telegram, as they are kept on disk. */
export interface CachedCopy {
  readonly version: 1
  /** The proxy secret, in base64. */
  readonly secret: string
  /** The text of the configuration. */
  readonly config: string
  /** The address that this host had, or `null`. */
  readonly externalIp: string | null
}

const schema: z.ZodType<CachedCopy> = z.object({
  version: z.literal(1),
  secret: z.base64(),
  config: z.string(),
  externalIp: z.union([z.ipv4(), z.ipv6()]).nullable(),
})

/** The copy in a folder: `telegram.json`. */
export function cachedCopy(cacheDir: string): Store<CachedCopy> {
  return fileStore({ path: join(cacheDir, 'telegram.json'), parse: (json) => schema.parse(json) })
}

/** The address of this host that was found, unless nobody is to look for it any more: then it may be another's by now. */
export function foundIp(copy: CachedCopy, { ipServices }: TelegramSettings): string | null {
  return ipServices.length === 0 ? null : copy.externalIp
}
