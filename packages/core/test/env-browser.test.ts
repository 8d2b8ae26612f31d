import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const entry = fileURLToPath(new URL('./programs/browser.ts', import.meta.url))
describe('the six nouns in a browser', () => {
  it('run without Node.js: nothing of it is bundled, and none of its globals is there', async () => {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'iife',
      conditions: ['@holdfast/source'],
      logLevel: 'silent',
    })
    const results: unknown[] = []
    // What browsers have too; besides, there is nothing in this context but the language itself.
    const timers = { setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask }
    const browser = { ...timers, performance, AbortController, TextEncoder }
    runInNewContext(outputFiles[0]?.text ?? '', { ...browser, report: (what: unknown) => results.push(what) })
    expect(results).toEqual(['idle to closed in a browser'])
  })
})
