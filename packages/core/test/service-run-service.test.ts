import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { builtProgram } from '../../../test-support/built-program.js'
import { Program } from '../../../test-support/program.js'
import { type DrainReport, HoldfastError, type Log } from '../src/index.js'
import { CommandError, exitCodes } from '../src/program/index.js'
import {
  ConfigError,
  describeDrain,
  type RunningService,
  runService,
  type ServiceOptions,
} from '../src/service/index.js'
import { VirtualClock } from '../src/testing/index.js'

const drained: DrainReport = { finished: 3, cut: [], took: 1234, timedOut: false }

/** A service that does nothing, on a host of the test's. */
function setUp(service: Partial<RunningService> = {}, options: Partial<ServiceOptions> = {}) {
  const lines: string[] = []
  const note = (_fields: object, text: string): void => void lines.push(text)
  const log: Log = { debug: note, info: note, warn: note, error: note }
  const clock = new VirtualClock()
  const printed: string[] = []
  const codes: number[] = []
  const host = Object.assign(new EventEmitter(), {
    exit: (code: number) => codes.push(code),
    stdout: { write: (text: string) => printed.push(text) },
  })
  const asked: number[] = []
  const running: RunningService = {
    drain: async ({ within }) => {
      asked.push(within)
      return drained
    },
    ...service,
  }
  const end = runService({ name: 'demo', log, host, clock, start: () => running, ...options })
  return { host, lines, printed, codes, asked, clock, end }
}

/** Lets what was promised happen. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a service that is told to stop', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'])(
    'by %s drains, prints the report, is disposed of, and exits with 0',
    async (signal) => {
      const order: string[] = []
      const t = setUp(
        { [Symbol.asyncDispose]: async () => void order.push('disposed') },
        { drainWithin: 7000 },
      )
      await turn()
      t.host.emit(signal)
      await t.end
      expect(t.asked).toEqual([7000])
      expect(order).toEqual(['disposed'])
      expect(t.printed).toEqual(['demo: drained in 1.2 s: 3 finished, 0 cut\n'])
      expect(t.codes).toEqual([exitCodes.ok])
      expect(t.host.eventNames()).toEqual([])
      expect(t.clock.pending).toBe(0)
    },
  )

  it('prints the report as JSON if asked to', async () => {
    const t = setUp({}, { json: true })
    await turn()
    t.host.emit('SIGTERM')
    await t.end
    expect(JSON.parse(t.printed.join(''))).toEqual({ drained })
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('and then again by %s exits at once with %i', async (signal, code) => {
    const t = setUp({ drain: () => new Promise(() => {}) })
    await turn()
    t.host.emit('SIGTERM')
    expect(t.codes).toEqual([])
    t.host.emit(signal)
    expect(t.codes).toEqual([code])
    await turn()
    t.clock.advance(11_000)
    await t.end
  })

  it('but whose drain hangs exits with 1 a second after the deadline', async () => {
    const t = setUp({ drain: () => new Promise(() => {}) }, { drainWithin: 5000 })
    await turn()
    t.host.emit('SIGTERM')
    await turn()
    t.clock.advance(5999)
    await turn()
    expect(t.codes).toEqual([])
    t.clock.advance(1)
    await t.end
    expect(t.codes).toEqual([exitCodes.failure])
  })

  it('but hangs when it is disposed of exits with 1, and says so', async () => {
    const t = setUp({ [Symbol.asyncDispose]: () => new Promise(() => {}) })
    await turn()
    t.host.emit('SIGTERM')
    await turn()
    t.clock.advance(9999)
    await turn()
    expect(t.codes).toEqual([])
    t.clock.advance(1)
    await t.end
    expect(t.codes).toEqual([exitCodes.failure])
    expect(t.lines).toContain('disposing of the service did not settle within 10000 ms')
  })

  it('while it starts has the start aborted, and exits with 0', async () => {
    const t = setUp(
      {},
      {
        start: (signal) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error))
          }),
      },
    )
    t.host.emit('SIGHUP')
    t.host.emit('SIGTERM')
    await t.end
    expect(t.codes).toEqual([exitCodes.ok])
    expect(t.printed).toEqual([])
  })

  it('while a start hangs that takes no notice exits with 1 a second after the deadline, and says so', async () => {
    const t = setUp({}, { start: () => new Promise(() => {}) })
    t.host.emit('SIGTERM')
    await turn()
    t.clock.advance(10_999)
    await turn()
    expect(t.codes).toEqual([])
    t.clock.advance(1)
    await t.end
    expect(t.codes).toEqual([exitCodes.failure])
    expect(t.lines).toContain('starting did not settle within 11000 ms')
  })
})

describe('a service', () => {
  it('is reloaded by SIGHUP, one reload after the other, and goes on when one fails', async () => {
    const order: string[] = []
    let count = 0
    const t = setUp({
      async reload() {
        const mine = ++count
        order.push(`begin ${mine}`)
        await turn()
        order.push(`end ${mine}`)
        if (mine === 1) throw new ConfigError(['listen: is missing'])
        if (mine === 2) throw new Error('a mistake')
      },
    })
    await turn()
    for (let times = 0; times < 3; times += 1) t.host.emit('SIGHUP')
    for (let times = 0; times < 6; times += 1) await turn()
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
    expect(t.lines).toEqual([
      'kept as it was: the configuration is wrong:\n  listen: is missing',
      'kept as it was: reloading failed',
      'reloaded',
    ])
    t.host.emit('SIGTERM')
    t.host.emit('SIGHUP')
    await t.end
    await turn()
    expect(t.codes).toEqual([exitCodes.ok])
    expect(count).toBe(3)
  })

  it('that ends by itself exits with 0, or with 1 when it failed', async () => {
    const well = setUp({ finished: Promise.resolve() })
    await well.end
    expect([well.codes, well.printed]).toEqual([[exitCodes.ok], []])
    const badly = setUp({ finished: Promise.reject(new Error('the log ended')) })
    await badly.end
    expect(badly.codes).toEqual([exitCodes.failure])
  })

  it.each([
    [
      'a wrong configuration',
      new ConfigError(['listen: is missing']),
      exitCodes.usage,
      'the configuration is wrong:\n  listen: is missing',
    ],
    [
      'an option that is wrong',
      new CommandError('--redis must be a URL', { exitCode: exitCodes.usage }),
      exitCodes.usage,
      '--redis must be a URL',
    ],
    [
      'a port that is taken',
      new HoldfastError('HF_LISTEN_FAILED', 'cannot listen'),
      exitCodes.failure,
      'cannot listen',
    ],
    ['a mistake', new Error('oops'), exitCodes.failure, 'could not start'],
  ])('that cannot start for %s says so and exits', async (_, error, code, line) => {
    const t = setUp({}, { start: () => Promise.reject(error) })
    await t.end
    expect([t.codes, t.lines]).toEqual([[code], [line]])
  })

  it.each(['uncaughtException', 'unhandledRejection'])('logs an %s and exits with 1', async (event) => {
    const t = setUp()
    await turn()
    t.host.emit(event, new Error('oops'))
    expect(t.codes).toEqual([exitCodes.failure])
    expect(t.lines).toEqual(['an error that nobody caught'])
    t.host.emit('SIGTERM')
    await t.end
  })
})

describe('the report of a drain', () => {
  it('names what was cut, up to a limit', () => {
    const cut = Array.from({ length: 22 }, (_, index) => `job ${index}`)
    const lines = describeDrain('demo', { finished: 1, cut, took: 50, timedOut: true }).split('\n')
    expect(lines[0]).toBe('demo: drained in 0.1 s, at the deadline: 1 finished, 22 cut')
    expect(lines[1]).toBe('  cut: job 0')
    expect(lines.at(-1)).toBe('  and 2 more')
    expect(lines).toHaveLength(22)
  })
})

const program = await builtProgram(new URL('programs/service.ts', import.meta.url))

describe('a real process', () => {
  it('drains at SIGTERM, answers metrics until then, and prints its report', async () => {
    await using t = new Program(program, ['--metrics', '0', '--json', '--log-level', 'debug'])
    await t.says(/started/, 'err')
    const uri = /"metrics":"([^"]+)"/.exec(t.err)?.[1] ?? ''
    const text = await (await fetch(uri)).text()
    expect(text).toContain('holdfast_events_total{channel="drain",kind="begun"} 1')
    expect(text).toContain('process_cpu_seconds_total')
    t.child.kill('SIGTERM')
    const { code, out } = await t.ended()
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({ drained })
  })

  it('exits with 143 at the second SIGTERM, though its drain hangs', async () => {
    await using t = new Program(program, ['--hang'])
    await t.says(/started/, 'err')
    t.child.kill('SIGTERM')
    await t.says(/stopping/, 'err')
    t.child.kill('SIGTERM')
    expect((await t.ended()).code).toBe(143)
  })

  it('exits with 2 and one clear message for a wrong configuration', async () => {
    await using t = new Program(program, ['--config', '/none.toml'])
    const { code, out, err } = await t.ended()
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('cannot be read (ENOENT)')
  })
})
