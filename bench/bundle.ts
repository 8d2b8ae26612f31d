import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

/** Dependencies stay what they are, and are found from the package that imports them. */
const dependenciesOutside: Plugin = {
  name: 'dependencies-outside',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      if (pluginData === 'resolving' || path.startsWith('node:')) return undefined
      const found = await build.resolve(path, { importer, kind, resolveDir, pluginData: 'resolving' })
      if (found.errors.length > 0 || !found.path.includes('/node_modules/')) return found
      return { path: pathToFileURL(found.path).href, external: true }
    })
  },
}

/** Every `*.bench.ts` here and in the packages, relative to the repository. */
export function benchFiles(): string[] {
  const folders = ['bench', ...readdirSync('packages').map((name) => join('packages', name, 'bench'))]
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => file.endsWith('.bench.ts'))
        .map((file) => join(folder, file)),
    )
}

/**
 * Strips the types of a program and of all sources that it imports, and nothing else: what is measured is the code
 * that is published, not what a loader for development makes of it.
 *
 * @returns the module's path
 */
export async function bundle(source: string): Promise<string> {
  const outfile = join(dirname(source), '../node_modules/.cache/bench', basename(source, '.ts') + '.mjs')
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['@holdfast/source'],
    plugins: [dependenciesOutside],
    logLevel: 'warning',
  })
  return outfile
}
