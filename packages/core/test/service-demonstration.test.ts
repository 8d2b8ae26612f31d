import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { exitCodes } from '../src/program/index.js'
import { type DemoOutcome, type DemoStage, demonstration } from '../src/service/index.js'

/** Runs `demo` with these arguments, and returns what it printed. */
async function run(play: (stage: DemoStage) => Promise<DemoOutcome>, ...args: string[]): Promise<string> {
  let printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((printed += String(text)), true))
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const live = Object.assign(() => undefined, { clear: () => undefined, done: () => undefined })
  const command = demonstration({ program: 'x', live: () => live, play })
  await command.exitOverride().parseAsync(args, { from: 'user' })
  return printed
}

const held = { promised: 'all is well', counted: '7', held: true }
const before = process.exitCode

describe('a demonstration', () => {
  beforeEach(() => (process.exitCode = undefined))
  afterEach(() => (process.exitCode = before))

  it('is played in a folder of its own, by its seed, and exits with 0 if every promise held', async () => {
    let stage: DemoStage | null = null
    const play = (on: DemoStage) => {
      stage = on
      expect(existsSync(on.folder)).toBe(true)
      return Promise.resolve({ verdicts: [held], rows: [1] })
    }
    expect(JSON.parse(await run(play, '--seed', '7', '--json'))).toEqual({
      ...{ seed: 7, rows: [1], verdicts: [held] },
    })
    expect(stage).toMatchObject({ seed: 7 })
    expect(existsSync((stage as unknown as DemoStage).folder)).toBe(false)
    expect(process.exitCode).toBe(exitCodes.ok)
  })

  it('exits with 1 if one promise was broken', async () => {
    const printed = await run(() => Promise.resolve({ verdicts: [held, { ...held, held: false }] }))
    expect(printed).toContain('BROKEN')
    expect(process.exitCode).toBe(exitCodes.failure)
  })

  it('says where it broke off, and leaves nothing', async () => {
    let folder = ''
    const listeners = process.listenerCount('SIGTERM')
    const play = (stage: DemoStage) => {
      folder = stage.folder
      stage.show.scene('the storm')
      return Promise.reject(new Error('in vain'))
    }
    await expect(run(play)).rejects.toThrow('broke off at: the storm')
    expect(existsSync(folder)).toBe(false)
    expect(process.listenerCount('SIGTERM')).toBe(listeners)
  })
})
