/** What a browser has to load. */
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import type { Benchmark, Subject } from '../../../bench/benchmark.js'

/** What `exports` of a module come to, minified and compressed; rxjs, a peer, excluded. */
async function sizeOf(module: string, exports = '*'): Promise<Record<string, number>> {
  const built = await build({
    stdin: { contents: `export ${exports} from '${module}'`, resolveDir: 'packages/core' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2023',
    conditions: ['@holdfast/source'],
    external: ['rxjs'],
    write: false,
  })
  const [output] = built.outputFiles
  if (output === undefined) throw new Error(`${module} came to nothing`)
  return {
    minified: output.contents.length,
    'minified, gzip': gzipSync(output.contents, { level: 9 }).length,
  }
}

const others: readonly Subject[] = [
  { name: 'partysocket 1.3.0', measure: () => sizeOf('partysocket/ws', '{ default }') },
  { name: 'reconnecting-websocket 4.4.0', measure: () => sizeOf('reconnecting-websocket', '{ default }') },
]
const figure = { unit: 'B', better: 'less' } as const

/** What every program that reconnects has: lifecycle, link, keep-alive, backoff, admission and clock. */
const base = ['lifecycle', 'systemEnv']

/** What a noun adds to that, and how much it may. */
const nouns: Readonly<Record<string, { readonly exports: readonly string[]; readonly limit: number }>> = {
  'listener and gate': { exports: ['listen', 'gate'], limit: 2000 },
  cursor: { exports: ['cursor'], limit: 5500 },
  feed: { exports: ['feed'], limit: 2000 },
  pool: { exports: ['pool'], limit: 6000 },
  roster: { exports: ['roster'], limit: 2500 },
}

async function increments(): Promise<Record<string, number>> {
  const bytesOf = async (exports: readonly string[]): Promise<number> => {
    const { 'minified, gzip': bytes = NaN } = await sizeOf('@holdfast/core', `{ ${exports.join(', ')} }`)
    return bytes
  }
  const alone = await bytesOf(base)
  const sizes: Record<string, number> = {}
  for (const [name, { exports }] of Object.entries(nouns))
    sizes[name] = (await bytesOf([...base, ...exports])) - alone
  return sizes
}

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'size of what reconnects, without rxjs',
    figures: { 'minified, gzip': { ...figure, limit: 10_000 }, minified: figure },
    runs: 1,
    subjects: [
      { name: 'holdfast', measure: () => sizeOf('@holdfast/core', `{ ${base.join(', ')} }`) },
      ...others,
    ],
  },
  {
    name: 'size of what a noun adds to that, minified, gzip',
    figures: Object.fromEntries(
      Object.entries(nouns).map(([name, { limit }]) => [name, { ...figure, limit }]),
    ),
    runs: 1,
    subjects: [{ name: 'holdfast', measure: increments }],
  },
  {
    name: 'size of core, all of it, without rxjs',
    figures: { 'minified, gzip': figure, minified: figure },
    runs: 1,
    subjects: [{ name: 'holdfast', measure: () => sizeOf('@holdfast/core') }],
  },
]
