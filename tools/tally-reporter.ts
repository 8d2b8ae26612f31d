import type { Reporter, TestModule } from 'vitest/node'

/**
 * Ends a run with lines that any program can read: one for each failure, `failed: core test/gate.test.ts > …`, and then
 * `12 passed, 0 failed, 1 skipped`.
 */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tally = { passed: 0, failed: 0, skipped: 0 }
    const failures = unhandledErrors.map((error) => `outside of any test: ${firstLine(error)}`)
    for (const module of modules) {
      const file = `${module.project.name} ${module.relativeModuleId}`
      const failuresBefore = failures.length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'failed') failures.push(`${file} > ${test.fullName}`)
        else if (state !== 'pending') tally[state] += 1
      }
      // A file that breaks while it is collected fails without a failing test.
      if (module.state() === 'failed' && failures.length === failuresBefore) failures.push(file)
    }
    tally.failed = failures.length
    // On exit, so that the coverage report comes before it.
    process.once('exit', () => {
      process.stdout.write(`\n${failures.map((failure) => `failed: ${failure}\n`).join('')}`)
      process.stdout.write(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped\n`)
    })
  }
}

function firstLine(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error
  return String(message).split('\n', 1)[0] ?? ''
}
