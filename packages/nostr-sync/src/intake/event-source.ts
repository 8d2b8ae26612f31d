import type { RelayUrl } from '../wire/relay-url.js'

/** Who sent an event: a relay that we sync from, a client of our endpoint, or a file that is being imported. */
export type EventSource =
  | { readonly kind: 'relay'; readonly url: RelayUrl }
  | { readonly kind: 'client' }
  | { readonly kind: 'file' }
