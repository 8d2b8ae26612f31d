import { fc, test } from '@fast-check/vitest'
import { type DrainReport, gate, type Ticket } from '@holdfast/core'
import { VirtualClock } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

function opened() {
  const clock = new VirtualClock()
  return { clock, door: gate({ clock }) }
}

describe('a gate', () => {
  it('counts what is in flight; done is done once', () => {
    const { door } = opened()
    const ticket = door.enter('a')
    door.enter('b')
    ticket?.done()
    ticket?.done()
    expect({ inFlight: door.inFlight, state: door.state }).toEqual({ inFlight: 1, state: 'open' })
  })

  it('I11: drains at once when nothing is in flight', async () => {
    const { door } = opened()
    expect(await door.drain({ within: 1000 })).toEqual({ finished: 0, cut: [], took: 0, timedOut: false })
    expect(door.state).toBe('closed')
  })

  it('I11: gives up at the deadline on what is still in flight, and says what', async () => {
    const { clock, door } = opened()
    const [a, b] = [door.enter('a'), door.enter('b')]
    const report = door.drain({ within: 1000 })
    clock.advance(400)
    a?.done()
    clock.advance(600)
    expect(await report).toEqual({ finished: 1, cut: ['b'], took: 1000, timedOut: true })
    expect([a?.cut, b?.cut, door.inFlight, clock.pending]).toEqual([false, true, 0, 0])
    b?.done()
  })

  it('I12: does not wait for the ticket of whoever awaits it, and cuts it not', async () => {
    const { door } = opened()
    const mine = door.enter('mine') ?? undefined
    const other = door.enter('other')
    const report = door.drain({ within: 1000, ...(mine && { except: mine }) })
    other?.done()
    expect(await report).toEqual({ finished: 1, cut: [], took: 0, timedOut: false })
    mine?.done()
    expect(mine?.cut).toBe(false)
  })

  it.each([Number.NaN, -1])('I11: within %d milliseconds is at once', async (within) => {
    const { clock, door } = opened()
    door.enter('slow')
    const report = door.drain({ within })
    clock.advance(0)
    expect(await report).toEqual({ finished: 0, cut: ['slow'], took: 0, timedOut: true })
  })

  it('a clock is required, by name', () => {
    expect(() => gate({} as never)).toThrow(expect.objectContaining({ field: 'clock.now' }))
  })

  const anyDeeds = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant({ do: 'enter' as const, ms: 0 }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('done' as const), ms: fc.nat(5) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(400) }) },
      fc.record({ do: fc.constantFrom('drain' as const, 'drain-except' as const), ms: fc.nat(1000) }),
    ),
    { maxLength: 40 },
  )

  test.prop([anyDeeds], { numRuns: 300 })(
    'I11, I12: every drain settles by its deadline with the same report, and nothing enters meanwhile',
    async (deeds) => {
      const { clock, door } = opened()
      const tickets: Ticket[] = []
      const drains: Promise<DrainReport>[] = []
      let deadline = Infinity
      for (const deed of deeds) {
        if (deed.do === 'enter') {
          const ticket = door.enter('work')
          expect(ticket === null).toBe(drains.length > 0)
          if (ticket !== null) tickets.push(ticket)
        } else if (deed.do === 'done') tickets.splice(deed.ms % Math.max(1, tickets.length), 1)[0]?.done()
        else if (deed.do === 'advance') clock.advance(deed.ms)
        else {
          const except = deed.do === 'drain-except' ? tickets.pop() : undefined
          drains.push(door.drain({ within: deed.ms, ...(except && { except }) }))
          deadline = Math.min(deadline, clock.now() + deed.ms)
        }
        const isOver =
          drains.length > 0 && (door.inFlight === 0 || (clock.now() > deadline && door.state !== 'open'))
        expect(door.state).toBe(isOver ? 'closed' : drains.length > 0 ? 'draining' : 'open')
      }
      clock.advance(1000)
      const reports = await Promise.all(drains)
      for (const report of reports) expect(report).toBe(reports[0])
      expect(clock.pending).toBe(0)
    },
  )
})
