import { describe, expect, it, vi } from 'vitest'
import { fuzz } from '../../../test-support/fuzzing.js'
import { Program } from '../../../test-support/program.js'

describe('a campaign of made-up inputs', () => {
  const round = vi.fn(() => ({ inputs: 1, flaw: null }))
  const campaign = { targets: [{ name: 'lines' }, { name: 'frames' }], round }

  it.each([
    [['--only', 'frame of'], '--only frame of: there is none, only lines, frames'],
    [['--minutes', 'two'], '--minutes must be a number above 0, got two'],
    [['--seed', '1.5'], '--seed must be a whole number, got 1.5'],
  ])('that would do nothing does not pass: %j', (args, message) => {
    expect(() => fuzz(campaign, args)).toThrow(message)
    expect(round).not.toHaveBeenCalled()
  })
})

describe('a program in a process of its own', () => {
  it('that cannot be started has ended, and says why', async () => {
    const { execPath } = process
    process.execPath = '/nowhere/node'
    await using program = new Program('program.mjs', [])
    process.execPath = execPath
    await expect(program.says(/ready/)).rejects.toThrow('ENOENT')
    expect((await program.ended()).err).toContain('spawn /nowhere/node ENOENT')
  })

  it('is heard whole where a character comes in two pieces', async () => {
    const script =
      'process.stdout.write(Buffer.of(0xc3)); setTimeout(() => process.stdout.write(Buffer.of(0xa9)), 50)'
    await using program = new Program('-e', [script])
    expect((await program.ended()).out).toBe('é')
  })
})
