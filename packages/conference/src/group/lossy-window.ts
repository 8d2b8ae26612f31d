/** Which of the last 256 lossy numbers of an author were seen. */
export interface LossyWindow {
  /** The greatest number of the window; the smallest is 255 below it. */
  readonly top: number
  /** Bit n is set when `top - n` was seen. */
  readonly seen: bigint
}

const size = 256

/**
 * Remembers a lossy number (spec 5, T17).
 *
 * @returns the window from now on; `null` if the packet is to be dropped, being seen already or too old
 */
export function rememberLossy(window: LossyWindow | null, lossyNumber: number): LossyWindow | null {
  if (window === null) return { top: lossyNumber, seen: 1n }
  const below = (window.top - lossyNumber) & 0xffff
  if (below < size) {
    const bit = 1n << BigInt(below)
    return (window.seen & bit) === 0n ? { top: window.top, seen: window.seen | bit } : null
  }
  // A number counts as behind when it is nearer to the bottom of the window in that direction.
  if (below - (size - 1) < 0x8000) return null
  const by = BigInt((lossyNumber - window.top) & 0xffff)
  return { top: lossyNumber, seen: by < size ? BigInt.asUintN(size, window.seen << by) | 1n : 1n }
}
