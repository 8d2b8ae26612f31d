/** How many numbers lie from one packet number (32 bits, starting again after the last) up to another. */
export function distance(from: number, to: number): number {
  return (to - from) >>> 0
}
