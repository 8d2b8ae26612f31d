import { Buffer } from 'node:buffer'
import { bech32 } from '@scure/base'
import type { RepositoryRule } from '../admission/grasp-policy.js'

/** Reads an entry of a list of repositories: `npub…`, `npub…/identifier` or `identifier` (spec 10); null for none of them. */
export function parseRepositoryRule(text: string): RepositoryRule | null {
  if (!text.startsWith('npub1')) return text === '' || text.includes('/') ? null : { identifier: text }
  const [npub = '', ...rest] = text.split('/')
  const owner = publicKeyOf(npub)
  const identifier = rest.join('/')
  if (owner === null || (rest.length > 0 && identifier === '')) return null
  return rest.length === 0 ? { owner } : { owner, identifier }
}

/** The key in `npub…` (NIP-19). */
function publicKeyOf(npub: string): string | null {
  const decoded = bech32.decodeUnsafe(npub)
  if (decoded?.prefix !== 'npub') return null
  const bytes = bech32.fromWordsUnsafe(decoded.words)
  return bytes instanceof Uint8Array && bytes.length === 32 ? Buffer.from(bytes).toString('hex') : null
}
