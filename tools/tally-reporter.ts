import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one line that any program can read: `12 passed, 0 failed, 1 skipped`. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tally = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      const failedBefore = tally.failed
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state !== 'pending') tally[state] += 1
      }
      // A file that breaks while it is collected fails without a failing test.
      if (module.state() === 'failed' && tally.failed === failedBefore) tally.failed += 1
    }
    // On exit, so that the coverage report comes before it.
    process.once('exit', () => {
      process.stdout.write(`\n${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped\n`)
    })
  }
}
