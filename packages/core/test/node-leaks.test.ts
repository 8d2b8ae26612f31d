import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { builtProgram } from '../../../test-support/built-program.js'

it('I4: a process whose lifecycles and listeners are closed exits by itself, whatever the transport', async () => {
  const program = await builtProgram(new URL('programs/leaves-nothing.ts', import.meta.url))
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const done = new Promise<number>((resolve) => {
    child.stdout.on('data', () => {
      if (printed.includes('done')) resolve(performance.now())
    })
  })
  const exit = once(child, 'exit')
  const doneAt = await done
  expect(await exit).toEqual([0, null])
  // Less than any deadline that could have been waited for.
  expect(performance.now() - doneAt).toBeLessThan(4000)
}, 30_000)
