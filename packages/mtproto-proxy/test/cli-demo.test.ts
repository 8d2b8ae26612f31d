import { describe, expect, it } from 'vitest'
import type { Row } from '../src/cli/demo/scenes.js'
import { run } from './support/program.js'

describe('demo', () => {
  it('14.12 holds what it promises', { timeout: 180_000 }, async () => {
    const { code, out, err } = await run('demo', '--json')
    const { rows, verdicts } = JSON.parse(out) as { rows: Row[]; verdicts: { held: boolean }[] }
    expect(verdicts.filter(({ held }) => !held)).toEqual([])
    expect(verdicts.length).toBeGreaterThan(10)
    expect(rows.every(({ closings, moved }) => closings === 0 || moved > 0)).toBe(true)
    expect(code).toBe(0)
    expect(err).toContain('no packet reaches Telegram twice')
  })
})
