import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Result } from '../../../bench/table.js'
import { demoSvg } from '../../../tools/drawing/demo-svg.js'
import { withFigures } from '../../../tools/drawing/figures.js'

describe('the picture of the demonstration', () => {
  const run = 'starts\n▶ 1 s: quiet waters\n▶ 5 s: kills\npromised   counted\na thing  held  5 < 6\n'

  it('has the acts and the table of a run', () => {
    const texts = [...demoSvg(run).matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, text]) => text)
    expect(texts).toEqual([
      '<tspan class="dim">$ pnpm demo</tspan>',
      '',
      '<tspan class="act">▶ 1 s: quiet waters</tspan>',
      '<tspan class="act">▶ 5 s: kills</tspan>',
      '',
      '<tspan class="dim">promised   counted</tspan>',
      'a thing  <tspan class="held">held</tspan>  5 &lt; 6',
    ])
  })

  it.each([
    ['table', run.slice(0, run.indexOf('promised'))],
    ['acts', run.slice(run.indexOf('promised'))],
  ])('is not drawn of a run without %s', (what, printed) => {
    expect(() => demoSvg(printed)).toThrow(`no ${what}`)
  })
})

describe('the page of figures', () => {
  const result: Result = {
    ...{ benchmark: 'reconnecting', figure: 'until ready', subject: 'ours', unit: 'ms' },
    ...{ median: 1234.5, least: 0.01234, most: Infinity },
  }

  it('has them between its markers, and says never where something never came', () => {
    const page = 'before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n'
    const [before, found = '', after] = withFigures(page, [result], 'A machine.').split(/<!-- \/?figures -->/)
    expect([before, after]).toEqual(['before\n', '\nafter\n'])
    expect(found).toContain('A machine.\n\n**reconnecting**')
    expect(found).toContain('| until ready | 1,235 ms (0.0123 – never) |  |  |')
  })

  it('is not written without them, and docs/performance.md has them', () => {
    expect(() => withFigures('# Performance\n', [result], '')).toThrow('<!-- figures -->')
    const page = readFileSync(new URL('../../../docs/performance.md', import.meta.url), 'utf8')
    expect(withFigures(page, [result], 'A machine.')).toContain('A machine.')
  })
})
