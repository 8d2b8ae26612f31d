import { type Backoff, fullJitter } from '@holdfast/core'

/** After a connection that was lost while in use, or where nobody is there yet: soon (8.8, 14.4). */
export const usualBackoff: Backoff = fullJitter({ floor: 100, base: 200, cap: 5000 })
