/**
 * Puts what `pnpm bench --json FILE` has found into docs/performance.md, between its markers.
 *
 * `tsx tools/performance-page.ts FILE`
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import type { Result } from '../bench/table.js'

const page = 'docs/performance.md'
const [file] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: tsx tools/performance-page.ts FILE, from pnpm bench --json FILE')
  process.exit(2)
}
const results = JSON.parse(readFileSync(file, 'utf8')) as readonly Result[]

const short = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))

function rowOf({ figure, subject, unit, median, least, most, limit, oursIsBetter }: Result): string {
  const range = least === most ? '' : ` (${short(least)} – ${short(most)})`
  const beside = oursIsBetter === undefined ? '' : `× ${short(oursIsBetter)}`
  const name = oursIsBetter === undefined ? figure : subject
  return `| ${name} | ${short(median)} ${unit}${range} | ${limit === undefined ? '' : short(limit)} | ${beside} |`
}

const names = [...new Set(results.map(({ benchmark }) => benchmark))]
const tables = names.map((name) => {
  const rows = results.filter(({ benchmark }) => benchmark === name).map(rowOf)
  return `**${name}**\n\n| | median (least – most) | limit | ours is better |\n| --- | --- | --- | --- |\n${rows.join('\n')}`
})
const [cpu] = cpus()
const machine = `Node.js ${process.version}, ${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux.`
const found = `<!-- figures -->\n\n${machine}\n\n${tables.join('\n\n')}\n\n<!-- /figures -->`
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(/<!-- figures -->[\s\S]*<!-- \/figures -->/, () => found),
)
