import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { end, type Log } from '../src/index.js'
import { createLog } from '../src/service/index.js'

function record(json: boolean) {
  const lines: string[] = []
  const log = createLog({
    name: 'demo',
    level: 'debug',
    json,
    secrets: ['nsec'],
    to: { write: (line) => lines.push(line) },
  })
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('a log', () => {
  it('fits as the log of an environment, and writes one JSON object for each line', () => {
    const { log, parsed } = record(true)
    const fits: Log = log
    fits.info({ link: 7 }, 'ready')
    expect(parsed()).toMatchObject([{ level: 'info', program: 'demo', link: 7, msg: 'ready' }])
    expect(Object.keys(parsed()[0]!)).toEqual(['level', 'time', 'program', 'link', 'msg'])
  })

  it('leaves secrets out, its own and those that are named', () => {
    const { log, lines } = record(true)
    log.info(
      { password: 'hunter2', config: { nsec: 'hunter2', accessToken: 'hunter2' }, nsec: 'hunter2' },
      'started',
    )
    expect(lines.join('')).not.toContain('hunter2')
    expect(lines.join('')).toContain('[secret]')
  })

  it('tells an end briefly', () => {
    const { log, parsed } = record(true)
    const why = end('dial-failed', {
      code: 'ECONNREFUSED',
      cause: new Error('refused'),
      detail: 'tcp://a:1: refused',
    })
    log.info({ why }, 'ended')
    expect(parsed()[0]?.['why']).toEqual({
      kind: 'dial-failed',
      code: 'ECONNREFUSED',
      detail: 'tcp://a:1: refused',
      advice: 'backoff',
      cause: 'refused',
    })
  })

  it('writes lines for people: time, level, name, text, fields, and the stack below', () => {
    const { log, lines } = record(false)
    log.warn({ link: 7, to: 'two words', why: { kind: 'silent' } }, 'lost')
    log.error({ err: new Error('a mistake') }, 'failed')
    const plain = lines.map((line) => stripVTControlCharacters(line))
    expect(plain[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} WARN {2}demo: lost link=7 to="two words" why=\{"kind":"silent"\}\n$/,
    )
    expect(plain[1]).toMatch(/^\S+ ERROR demo: failed\nError: a mistake\n {4}at /)
  })

  it('drops what is below its level', () => {
    const { log, lines } = record(true)
    log.trace({}, 'too much')
    expect(lines).toEqual([])
  })
})
