import { Command } from 'commander'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type ProgramCommand, runProgram } from '../src/program/index.js'

const { argv } = process

/** Runs a program of two commands, and returns what it printed and what it loaded. */
async function run(...args: string[]): Promise<{ printed: string; loaded: string[]; ran: string[] }> {
  const [loaded, ran]: [string[], string[]] = [[], []]
  let printed = ''
  const hear = (text: unknown): boolean => ((printed += String(text)), true)
  vi.spyOn(process.stdout, 'write').mockImplementation(hear)
  vi.spyOn(process.stderr, 'write').mockImplementation(hear)
  vi.spyOn(console, 'log').mockImplementation((line) => void hear(`${String(line)}\n`))
  vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw Object.assign(new Error(`exit ${code}`), { isExit: true })
  })
  const command = (name: string, about: string): ProgramCommand => ({
    about,
    load: () => {
      loaded.push(name)
      return new Command().option('--fast', 'at once').action(() => void ran.push(name))
    },
  })
  process.argv = ['node', 'x', ...args]
  const commands = { go: command('go', 'goes somewhere'), stay: command('stay', 'stays here') }
  const hidden = { ...command('inner', 'works inside'), hidden: true }
  await runProgram({
    name: 'x',
    description: 'moves',
    version: '7.0.0',
    commands: { ...commands, inner: hidden },
  }).catch((error: unknown) => {
    if (!(error instanceof Error && 'isExit' in error)) throw error
    printed += error.message
  })
  return { printed, loaded, ran }
}

describe('a program', () => {
  afterEach(() => {
    process.argv = argv
    vi.restoreAllMocks()
  })

  it('loads the command that it runs, and no other', async () => {
    expect(await run('go', '--fast')).toMatchObject({ loaded: ['go'], ran: ['go'] })
    expect(await run('inner')).toMatchObject({ loaded: ['inner'], ran: ['inner'] })
  })

  it('loads none to list them, and lists no hidden one', async () => {
    const { printed, loaded } = await run('--help')
    expect(printed).toMatch(/ {2}go +goes somewhere\n {2}stay +stays here\n/)
    expect(printed).not.toContain('inner')
    expect(loaded).toEqual([])
    expect(await run('--version')).toMatchObject({ printed: '7.0.0\nexit 0', loaded: [] })
  })

  it.each([[['help', 'go']], [['go', '--help']]])('explains the one that is asked for: %j', async (args) => {
    const { printed, loaded } = await run(...args)
    expect(loaded).toEqual(['go'])
    expect(printed).toMatch(/^Usage: x go \[options\]\n\ngoes somewhere\n[^]*--fast +at once/)
  })

  it('completes commands without loading them, and options of the one that is there', async () => {
    expect(await run('complete', '--', '')).toMatchObject({ loaded: [] })
    const { printed, loaded } = await run('complete', '--', 'go', '--')
    expect(printed).toContain('--fast\tat once\n')
    expect(loaded).toEqual(['go'])
  })

  it('exits with 2 on a command that is not there', async () => {
    expect((await run('fly')).printed).toMatch(/^x: error: unknown command 'fly'[^]*exit 2$/)
  })

  it('says that its output cannot be written, and exits with 1; that whoever read it has left is no error', async () => {
    await run('go')
    const failed = (code: string) => Object.assign(new Error(`${code}: write`), { code })
    const told: unknown[] = []
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => (told.push(text), true))
    const [tellLast] = process.stdout.listeners('error').slice(-1) as ((failure: Error) => void)[]
    expect(() => tellLast?.(failed('EPIPE'))).not.toThrow()
    expect(() => tellLast?.(failed('ENOSPC'))).toThrow('exit 1')
    expect(told).toEqual(['x: cannot write to standard output (ENOSPC: write)\n'])
  })
})
