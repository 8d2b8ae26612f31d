/**
 * Makes the page of the inspector, one file without anything around it, out of `packages/core/inspector-page`. With
 * `--check` it changes nothing and fails if that would.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

const from = 'packages/core/inspector-page'
const to = 'packages/core/src/inspector/page.ts'

async function minified(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${from}/${entry}`],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    write: false,
  })
  return outputFiles.map(({ text }) => text.trim()).join('')
}

const html = readFileSync(`${from}/index.html`, 'utf8').replace(/^\s+/gm, '')
const style = `<style>${await minified('style.css')}</style>`
const script = `<script>${await minified('main.ts')}</script>`
// A function: in a text `$&` would mean something.
const page = html.replace('<!-- style -->', () => style).replace('<!-- script -->', () => script)
const source = `/** The page. Made by \`pnpm inspector:page\` from \`packages/core/inspector-page\`: edit that. */
// biome-ignore format: it is as long as it is
export const page =
  ${JSON.stringify(page)}
`
if (!process.argv.includes('--check')) writeFileSync(to, source)
else if (readFileSync(to, 'utf8') !== source) {
  console.error(`${to} is out of date: run pnpm inspector:page`)
  process.exitCode = 1
}
