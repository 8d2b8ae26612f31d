import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { addInspectOption } from '../src/program/index.js'
import { watchedRegistry } from '../src/service/index.js'
import { inspectIfAsked } from '../src/service/inspection.js'

const command = (...args: string[]): Command =>
  addInspectOption(new Command('run').option('--log-level <level>'), 'DEMO').parse(
    ['--log-level', 'silent', ...args],
    { from: 'user' },
  )

describe('the inspector of a program', () => {
  it('is there if --inspect is given, with the metrics of the program, without --metrics', async () => {
    await using inspector = await inspectIfAsked('demo', command('--inspect', '0'))
    const metrics = async (): Promise<string> => (await fetch(`${inspector?.url}metrics`)).text()
    expect(inspector?.state().program).toBe('demo')
    watchedRegistry(undefined)?.setDefaultLabels({ of: 'a command without --metrics' })
    expect(await metrics()).toContain('of="a command without --metrics"')
    expect(await metrics()).toContain('process_cpu_seconds_total')
    expect(await metrics()).toContain('# TYPE holdfast_link_ends_total counter')
  })

  it('is not there without it', async () => {
    expect(await inspectIfAsked('demo', command())).toBeNull()
  })

  it('is asked for by a variable, too', async () => {
    process.env['DEMO_INSPECT'] = '127.0.0.1:0'
    try {
      await using inspector = await inspectIfAsked('demo', command())
      expect(inspector?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
    } finally {
      delete process.env['DEMO_INSPECT']
    }
  })
})
