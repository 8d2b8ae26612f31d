import { describe, expect, it } from 'vitest'
import { FaultLog, type Log, silentLog } from '../src/index.js'

describe('a fault that lasts', () => {
  it('is told when it begins, and once more, with how often, when it is over', () => {
    const said: unknown[] = []
    const log: Log = {
      ...silentLog,
      warn: (fields, text) => said.push(['warn', fields, text]),
      error: (fields, text) => said.push(['error', fields, text]),
    }
    const faults = new FaultLog(log, 'the state could not be saved')
    const [first, second] = [new Error('no space left'), new Error('still none')]
    const begins = (err: Error) => [
      'error',
      { err },
      'the state could not be saved; told once until it works again',
    ]

    faults.worked()
    faults.failed(first)
    faults.failed(second)
    faults.worked()
    faults.worked()
    expect(said).toEqual([
      begins(first),
      ['warn', { times: 2 }, 'the state could not be saved: that is over'],
    ])

    faults.failed(second)
    expect(said.at(-1)).toEqual(begins(second))
  })
})
