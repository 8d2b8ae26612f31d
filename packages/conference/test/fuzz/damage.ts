import { Buffer } from 'node:buffer'

const edges = ['00', 'ff', '7f', '80', '0000', 'ffff', 'ffffffff', '7fffffff'].map((text) =>
  Buffer.from(text, 'hex'),
)

/** A copy of one of the seeds with some damage, or bytes that are nobody's. */
export function damaged(seeds: readonly Uint8Array[], random: () => number): Uint8Array {
  const below = (limit: number): number => Math.floor(random() * limit)
  const noise = (longest: number): Buffer =>
    Buffer.from(Array.from({ length: below(longest + 1) }, () => below(256)))
  const seed = seeds[below(seeds.length)]
  if (!seed || random() < 0.1) return noise(300)
  let bytes = Buffer.from(seed)
  for (let left = below(5); left > 0; left -= 1) {
    const at = below(bytes.length + 1)
    const put = random() < 0.5 ? (edges[below(edges.length)] ?? noise(4)) : noise(8)
    const skipped = below(3) === 0 ? 0 : random() < 0.7 ? put.length : below(64)
    bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + skipped)])
  }
  return random() < 0.1 ? bytes.subarray(0, below(bytes.length + 1)) : bytes
}
