/** How long a developer waits for every machine to be explored. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Benchmark } from './benchmark.js'

interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly { readonly duration?: number }[] }[]
}

async function explore(): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  const outputFile = join(folder, 'report.json')
  const started = performance.now()
  try {
    const args = ['run', '--reporter=json', `--outputFile=${outputFile}`, 'machine.test']
    await promisify(execFile)('node_modules/.bin/vitest', args, { maxBuffer: Infinity }).catch(
      () => undefined, // A failing test is told by the tests; here only the time counts.
    )
    const elapsed = performance.now() - started
    const report = JSON.parse(readFileSync(outputFile, 'utf8')) as Report
    const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults)
    const exploring = tests.reduce((sum, { duration = 0 }) => sum + duration, 0)
    return { exploring: exploring / 1000, 'with the start of vitest': elapsed / 1000 }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'all machines and their mutants',
    figures: {
      exploring: { unit: 's', better: 'less', limit: 5 },
      'with the start of vitest': { unit: 's', better: 'less' },
    },
    runs: 1,
    subjects: [{ name: 'holdfast', measure: explore }],
  },
]
