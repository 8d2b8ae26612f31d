/**
 * Puts what `pnpm bench --json FILE` has found into docs/performance.md, between its markers.
 *
 * `tsx tools/performance-page.ts FILE`
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import type { Result } from '../bench/table.js'
import { withFigures } from './drawing/figures.js'

const page = 'docs/performance.md'
const [file] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: tsx tools/performance-page.ts FILE, from pnpm bench --json FILE')
  process.exit(2)
}
const results = JSON.parse(readFileSync(file, 'utf8')) as readonly Result[]
const [cpu] = cpus()
const machine = `Node.js ${process.version}, ${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux.`
writeFileSync(page, withFigures(readFileSync(page, 'utf8'), results, machine))
