import { expect, it } from 'vitest'
import { run } from './support/program.js'

it('the demonstration holds what it promises', { timeout: 180_000 }, async () => {
  const { code, out } = await run('demo', '--json')
  const { verdicts } = JSON.parse(out) as { verdicts: { promised: string; held: boolean }[] }
  expect(verdicts.filter(({ held }) => !held)).toEqual([])
  expect(verdicts.map(({ promised }) => promised)).toContain(
    'in the end oak, elm and we have the same events',
  )
  expect(code).toBe(0)
})
