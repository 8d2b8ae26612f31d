import { createHash } from 'node:crypto'
import { type Millis, OptionError } from '@holdfast/core'
import { type Fingerprint, Fingerprints } from './fingerprints.js'

/** Bounds of a {@link ReplayStore}. */
export interface ReplayStoreOptions {
  /** @defaultValue 4,000,000 */
  readonly maxItems?: number
  /** @defaultValue 512 MiB */
  readonly maxBytes?: number
  /**
   * How long what was seen is remembered at least, in milliseconds; at most five minutes longer.
   *
   * @defaultValue 360 minutes
   */
  readonly maxAge?: Millis
  /** Random bytes, 16 or more, so that nobody can choose what collides. */
  readonly salt: Uint8Array
}

/** What a {@link ReplayStore} holds. */
export interface ReplayStatus {
  /** Keys; one that was seen again counts twice until the older one is forgotten. */
  readonly items: number
  /** Memory taken, in bytes. */
  readonly bytes: number
  /** Spans of five minutes. */
  readonly buckets: number
  /** Beginning of the oldest of them, or null. */
  readonly oldest: Millis | null
}

/** What is forgotten at once. */
const bucketMillis = 5 * 60_000

interface Table {
  /** Number of the bucket; one may have several tables. */
  readonly bucket: number
  readonly seen: Fingerprints
}

/**
 * Which headers and TLS randoms were seen (spec 8). Kept are 96 bits of a digest of each, in buckets of five minutes;
 * when there are too many, or they are too old, whole buckets are forgotten from the oldest.
 *
 * Looking up costs one probe for every bucket and every 49,152 keys.
 *
 * @example
 * ```ts
 * import { ReplayStore } from '@holdfast/mtproto-proxy'
 *
 * const store = new ReplayStore({ salt: new Uint8Array(16) })
 * store.seen(new Uint8Array(32), 0) // => false
 * store.seen(new Uint8Array(32), 1000) // => true
 * ```
 */
export class ReplayStore {
  readonly #maxItems: number
  readonly #maxBytes: number
  readonly #maxAge: Millis
  readonly #salt: Uint8Array
  /** From the oldest. */
  readonly #tables: Table[] = []
  #items = 0
  #bytes = 0

  constructor(options: ReplayStoreOptions) {
    const { maxItems = 4_000_000, maxBytes = 512 * 2 ** 20, maxAge = 360 * 60_000, salt } = options
    positive('maxItems', maxItems)
    positive('maxBytes', maxBytes)
    positive('maxAge', maxAge)
    if (salt.length < 16) throw new OptionError('salt', '16 bytes or more', salt.length)
    this.#maxItems = maxItems
    this.#maxBytes = maxBytes
    this.#maxAge = maxAge
    this.#salt = salt
  }

  /** Whether a key was seen before; from now on it is, and remembered anew. */
  seen(key: Uint8Array, now: Millis): boolean {
    this.sweep(now)
    const fingerprint = this.#fingerprint(key)
    const current = this.#tables.at(-1)
    const found = this.#tables.findLast(({ seen }) => seen.has(fingerprint))
    const bucket = Math.floor(now / bucketMillis)
    // A clock that went back keeps to the newest bucket, so that the oldest stays first.
    if (found === undefined || found.bucket < bucket)
      this.#add(fingerprint, Math.max(bucket, current?.bucket ?? bucket))
    return found !== undefined
  }

  /** Forgets what is too old. `seen` does so too: call it now and then for when nobody comes. */
  sweep(now: Millis): void {
    const [oldest] = this.#tables
    if (oldest === undefined || (oldest.bucket + 1) * bucketMillis + this.#maxAge > now) return
    this.#forgetOldest()
    this.sweep(now)
  }

  /** What it holds. */
  status(): ReplayStatus {
    const oldest = this.#tables[0]?.bucket
    return {
      items: this.#items,
      bytes: this.#bytes,
      buckets: new Set(this.#tables.map(({ bucket }) => bucket)).size,
      oldest: oldest === undefined ? null : oldest * bucketMillis,
    }
  }

  #add(fingerprint: Fingerprint, bucket: number): void {
    while (this.#items >= this.#maxItems) this.#forgetOldest()
    let table = this.#tables.at(-1)
    if (table?.bucket !== bucket || table.seen.full) {
      table = { bucket, seen: new Fingerprints() }
      this.#tables.push(table)
      this.#bytes += table.seen.bytes
    }
    const before = table.seen.bytes
    table.seen.add(fingerprint)
    this.#items += 1
    this.#bytes += table.seen.bytes - before
    while (this.#bytes > this.#maxBytes && this.#tables.length > 1) this.#forgetOldest()
  }

  #forgetOldest(): void {
    const bucket = this.#tables[0]?.bucket
    while (this.#tables.length > 0 && this.#tables[0]?.bucket === bucket) {
      const table = this.#tables.shift()
      this.#items -= table?.seen.size ?? 0
      this.#bytes -= table?.seen.bytes ?? 0
    }
  }

  #fingerprint(key: Uint8Array): Fingerprint {
    const digest = createHash('sha256').update(this.#salt).update(key).digest()
    return [digest.readUInt32LE(0) || 1, digest.readUInt32LE(4), digest.readUInt32LE(8)]
  }
}

function positive(field: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value > 0)) throw new OptionError(field, 'a positive integer', value)
}
