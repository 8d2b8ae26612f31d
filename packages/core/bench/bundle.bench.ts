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

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'size of core, without rxjs',
    figures: { 'minified, gzip': { ...figure, limit: 10_000 }, minified: figure },
    runs: 1,
    subjects: [{ name: 'holdfast', measure: () => sizeOf('@holdfast/core') }, ...others],
  },
  {
    name: 'size of what reconnects, without rxjs',
    figures: { 'minified, gzip': figure, minified: figure },
    runs: 1,
    subjects: [
      { name: 'holdfast', measure: () => sizeOf('@holdfast/core', '{ lifecycle, systemEnv }') },
      ...others,
    ],
  },
]
