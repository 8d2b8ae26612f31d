/**
 * Draws the diagrams of docs/architecture.md: the state machines by exploring them, the dependencies by reading the
 * imports. Each goes between `<!-- diagram:NAME -->` and `<!-- /diagram -->`. With `--check` nothing is written,
 * and a page that is out of date is an error.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { drawNouns, drawPackages } from './drawing/dependencies.js'
import { machines } from './drawing/machines.js'

const page = 'docs/architecture.md'
const drawings: Readonly<Record<string, () => string>> = {
  ...machines,
  packages: drawPackages,
  nouns: drawNouns,
}

const block = /(?<open><!-- diagram:(?<name>[\w-]+) -->\n)[\s\S]*?(?<close><!-- \/diagram -->)/g
const before = readFileSync(page, 'utf8')
const drawn = new Set<string>()
const after = before.replace(block, (_all, open: string, name: string, close: string) => {
  const draw = drawings[name]
  if (draw === undefined) throw new Error(`${page}: there is no diagram ${name}`)
  drawn.add(name)
  return `${open}\n\`\`\`mermaid\n${draw()}\n\`\`\`\n\n${close}`
})

const missing = Object.keys(drawings).filter((name) => !drawn.has(name))
if (missing.length > 0) throw new Error(`${page}: no place for ${missing.join(', ')}`)
if (after !== before) {
  if (process.argv.includes('--check')) {
    console.error(`${page} is out of date; run: pnpm docs:diagrams`)
    process.exitCode = 1
  } else writeFileSync(page, after)
}
