import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { addServiceOptions, type ServiceFlags } from '../src/program/index.js'

function parse(...args: string[]): ServiceFlags {
  const quiet = { writeErr: () => {} }
  const command = addServiceOptions(new Command('demo'), 'DEMO').exitOverride().configureOutput(quiet)
  return command.parse(args, { from: 'user' }).opts()
}

describe('the options of every service', () => {
  it('have defaults', () => {
    expect(parse()).toEqual({ logLevel: 'info', drainWithin: 10_000 })
  })

  it('are all taken', () => {
    const args = [
      '-c',
      'a.toml',
      '--log-level',
      'debug',
      '--json',
      '--metrics',
      '9100',
      '--inspect',
      '9900',
      '--drain-within',
      '2.5',
    ]
    expect(parse(...args)).toEqual({
      config: 'a.toml',
      logLevel: 'debug',
      json: true,
      metrics: '9100',
      inspect: '9900',
      drainWithin: 2500,
    })
  })

  it.each([
    [['--log-level', 'loud'], /Allowed choices are trace, debug/],
    [['--drain-within', 'soon'], /It must be a number of seconds above 0/],
    [['--unknown'], /unknown option/],
  ])('refuse %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message)
  })

  it('are read from the environment too, with the prefix', () => {
    process.env['DEMO_DRAIN_WITHIN'] = '3'
    process.env['DEMO_CONFIG'] = 'b.toml'
    process.env['DEMO_LOG_LEVEL'] = 'warn'
    try {
      expect(parse()).toMatchObject({ config: 'b.toml', logLevel: 'warn' })
      expect(parse().drainWithin).toBe(3000)
      expect(parse('--drain-within', '4').drainWithin).toBe(4000)
    } finally {
      delete process.env['DEMO_DRAIN_WITHIN']
      delete process.env['DEMO_CONFIG']
      delete process.env['DEMO_LOG_LEVEL']
    }
  })
})
