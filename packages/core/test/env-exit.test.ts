import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { builtProgram } from '../../../test-support/built-program.js'

const program = await builtProgram(new URL('programs/lifecycle-exit.ts', import.meta.url))

/** Runs a program of its own process, and gives what it printed and how it ended. */
async function outcomeOf(scenario: string): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, [program, scenario], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  const [code] = (await once(child, 'exit')) as [number | null]
  return { code, out: out.trim() }
}

describe('the process of a lifecycle', () => {
  it.each(['closed while waiting', 'closed while dialing', 'failed', 'drained'])(
    'I4: exits by itself once it is %s',
    { timeout: 60_000 },
    async (scenario) => {
      expect(await outcomeOf(scenario)).toEqual({ code: 0, out: '[]' })
    },
  )

  it('I4: is held by a lifecycle that waits', { timeout: 60_000 }, async () => {
    expect(await outcomeOf('waiting')).toEqual({ code: 0, out: '["Timeout"]\n"dialed again"' })
  })
})
