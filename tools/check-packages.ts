/** Packs every package as it would be published and checks the tarballs. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const out = mkdtempSync(join(tmpdir(), 'holdfast-pack-'))
const run = (command: string, ...args: string[]): void => {
  execFileSync(command, args, { stdio: 'inherit' })
}

try {
  run('pnpm', '--recursive', 'pack', '--pack-destination', out)
  for (const tarball of readdirSync(out).map((name) => join(out, name))) {
    run('publint', '--strict', tarball)
    run('attw', '--profile', 'esm-only', '--format', 'ascii', tarball)
  }
} finally {
  rmSync(out, { recursive: true })
}
