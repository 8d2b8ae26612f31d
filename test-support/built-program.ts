import { mkdir, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

/** Of what is installed only rxjs comes into the file, which is hundreds of files itself; others may look for files of their own. */
const inlined = /^(@holdfast\/.*|rxjs|tslib)$/

const ownCode: Plugin = {
  name: 'own-code',
  setup(translating) {
    translating.onResolve({ filter: /^[^./]/ }, ({ path }) =>
      inlined.test(path) ? null : { external: true },
    )
  },
}

/**
 * Makes one file for Node.js of a program in TypeScript and the sources that it needs. A test that starts a program again and again
 * would otherwise have it translated at each start, which takes a second of a core.
 *
 * @param program - where it is, in a package
 * @returns the path of the file; the next one that is made of this program replaces it
 */
export async function builtProgram(program: URL): Promise<string> {
  const source = fileURLToPath(program)
  const { outputFiles } = await build({
    entryPoints: [source],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    conditions: ['@holdfast/source'],
    plugins: [ownCode],
    write: false,
  })
  // Inside the package, for there is what it imports.
  const folder = join(source.replace(/(\/packages\/[^/]+)\/.*/, '$1'), 'node_modules/.cache/test-programs')
  const path = join(folder, `${basename(source, '.ts')}.mjs`)
  await mkdir(folder, { recursive: true })
  // Tests that run side by side may make the same one.
  const fresh = `${path}.${process.pid}`
  for (const { contents } of outputFiles) await writeFile(fresh, contents)
  await rename(fresh, path)
  return path
}
