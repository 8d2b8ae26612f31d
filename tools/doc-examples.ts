/**
 * Turns the examples in the documentation into files that `tsc` checks and `vitest` runs.
 *
 * Every fenced `ts` block in a package's Markdown files and doc comments becomes one module in
 * `packages/<name>/doc-examples`, with a test that imports it. In it, `expression // => value` asserts that
 * the two are equal. A block opened with `ts no-run` is checked but not run; one opened with `ts ignore` is
 * left alone.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Example {
  /** Where the block starts, as `path:line`. */
  readonly origin: string
  readonly code: string
  readonly runs: boolean
}

const fence =
  /^(?<margin>[ \t]*(?:\*[ \t])?[ \t]*)```ts(?<flags>[ \t][^\n]*)?\n(?<body>[\s\S]*?)^[ \t]*(?:\*[ \t])?[ \t]*```/gm
const assertion = /^(?:const (?<name>\w+) = )?(?<expression>\S.*?)\s+\/\/ => (?<expected>.+)$/gm

function withAssertions(code: string): string {
  return code.replace(assertion, (_line, name: string | undefined, expression: string, expected: string) =>
    name === undefined
      ? `expect(${expression}).toEqual(${expected})`
      : `const ${name} = ${expression}\nexpect(${name}).toEqual(${expected})`,
  )
}

function examplesIn(path: string): Example[] {
  const text = readFileSync(path, 'utf8')
  return [...text.matchAll(fence)].flatMap((match) => {
    const { margin = '', flags = '', body = '' } = match.groups ?? {}
    if (flags.includes('ignore')) return []
    const code = body
      .split('\n')
      .map((line) => (line.startsWith(margin) ? line.slice(margin.length) : line.replace(/^\s*\*?\s?/, '')))
      .join('\n')
    const line = text.slice(0, match.index).split('\n').length
    return [{ origin: `${path}:${line}`, code: withAssertions(code), runs: !flags.includes('no-run') }]
  })
}

function documentsOf(packageDir: string): string[] {
  const sources = readdirSync(join(packageDir, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(packageDir, 'src', path))
  const pages = readdirSync(packageDir).filter((path) => path.endsWith('.md'))
  return [...pages.map((path) => join(packageDir, path)), ...sources].sort()
}

for (const name of readdirSync('packages')) {
  const packageDir = join('packages', name)
  const out = join(packageDir, 'doc-examples')
  rmSync(out, { recursive: true, force: true })
  const examples = documentsOf(packageDir).flatMap(examplesIn)
  if (examples.length === 0) continue
  mkdirSync(out)
  const tests = examples.map((example, index) => {
    const header = `// ${example.origin}\nimport { expect } from 'vitest'\nvoid expect\n`
    writeFileSync(join(out, `example-${index}.ts`), `${header}\n${example.code}`)
    const test = example.runs ? 'test' : 'test.skip'
    return `${test}('${example.origin}', async () => {\n  await import('./example-${index}.js')\n})\n`
  })
  writeFileSync(join(out, 'examples.test.ts'), `import { test } from 'vitest'\n\n${tests.join('\n')}`)
}
