import { readdirSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Tests run the packages' sources; only tests of the command-line programs need `dist`.
  ssr: { resolve: { conditions: ['@holdfast/source', 'node', 'development|production'] } },
  test: {
    projects: [
      ...readdirSync('packages').map((name) => ({
        extends: true as const,
        root: `packages/${name}`,
        test: {
          name,
          include: ['test/**/*.test.ts', 'doc-examples/*.test.ts'],
        },
      })),
      { extends: true, test: { name: 'whole', include: ['{demo,soak}/test/*.test.ts'] } },
    ],
    restoreMocks: true,
    // Loading the same sources and libraries anew for each file takes longer than all tests together. Tests change nothing in the
    // process that they do not set right again.
    isolate: false,
    // Tests wait for conditions. A limit only ends those whose condition never comes, however busy the machine is.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    // Vitest would leave one core to itself: of two, half.
    maxWorkers: '100%',
    reporters: process.env['CI'] ? ['default', './tools/tally-reporter.ts'] : ['default'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      // Programs run in processes of their own, which coverage does not see; test/cli.test.ts runs them.
      exclude: ['packages/*/src/cli/**'],
      reporter: ['text-summary', 'html', 'lcovonly'],
      thresholds: { lines: 90, branches: 85 },
    },
  },
})
