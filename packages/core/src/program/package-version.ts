import { readFileSync } from 'node:fs'

/**
 * The version of a package.
 *
 * @param manifest - where its `package.json` is
 *
 * @example
 * ```ts no-run
 * import { packageVersion } from '@holdfast/core/program'
 *
 * packageVersion(new URL('../../package.json', import.meta.url)) // '1.2.3'
 * ```
 */
export function packageVersion(manifest: URL): string {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return version
}
