import type { NostrEvent } from './event.js'
import { isHex64 } from './hex.js'
import { kindClass, kinds } from './kinds.js'

/** The name of an event that may be replaced: `kind:pubkey:d`. */
export interface Address {
  readonly kind: number
  /** 64 hex digits. */
  readonly pubkey: string
  /** May be empty, and may contain colons. */
  readonly d: string
}

/** `30617:<pubkey>:<d>`: what a repository is called in the indexes (R1). */
export type RepoKey = string

/**
 * Reads an address, `null` if it is none. Only the first two colons separate (R1).
 *
 * @example
 * ```ts
 * import { parseAddress } from '@holdfast/nostr-sync'
 *
 * const pubkey = '0a'.repeat(32)
 * parseAddress(`30617:${pubkey}:team:repo`) // => { kind: 30617, pubkey, d: 'team:repo' }
 * parseAddress('30617:zz:d') // => null
 * ```
 */
export function parseAddress(text: string): Address | null {
  const first = text.indexOf(':')
  const second = text.indexOf(':', first + 1)
  if (first < 0 || second < 0) return null
  const kindText = text.slice(0, first)
  const pubkey = text.slice(first + 1, second)
  if (!/^(0|[1-9]\d{0,4})$/.test(kindText) || !isHex64(pubkey)) return null
  const kind = Number(kindText)
  return kind <= 65_535 ? { kind, pubkey, d: text.slice(second + 1) } : null
}

/** The inverse of {@link parseAddress}. */
export function formatAddress({ kind, pubkey, d }: Address): string {
  return `${kind}:${pubkey}:${d}`
}

/** The address of an event that may be replaced, `null` for others. A missing `d` tag counts as an empty one. */
export function addressOf(event: NostrEvent): string | null {
  switch (kindClass(event.kind)) {
    case 'replaceable':
      return formatAddress({ kind: event.kind, pubkey: event.pubkey, d: '' })
    case 'addressable': {
      const d = event.tags.find((tag) => tag[0] === 'd')?.[1] ?? ''
      return formatAddress({ kind: event.kind, pubkey: event.pubkey, d })
    }
    case 'regular':
    case 'ephemeral':
      return null
  }
}

/** Whether this is the address of a repository's announcement. */
export function isRepoKey(address: string): address is RepoKey {
  return parseAddress(address)?.kind === kinds.announcement
}
