import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Scorecard } from '../src/service/index.js'
import { VirtualClock } from '../src/testing/index.js'

function cardOn(clock: VirtualClock) {
  let all = ''
  const card = new Scorecard({ out: { write: (text: string) => ((all += text), true) }, clock })
  return { card, text: () => stripVTControlCharacters(all) }
}

describe('a scorecard', () => {
  it('tells each promise as it comes, and all of them at the end', async () => {
    const clock = new VirtualClock()
    const { card, text } = cardOn(clock)
    await card.scenario('restart', 'the server dies', async () => {
      card.equal('rows', 7, 7)
      card.note('it is back')
      await card.seen('the last row', clock.advanceAsync(40))
    })
    expect(card.finish()).toBe(true)
    expect(text()).toBe(`
restart: the server dies
  held   rows: 7 promised, 7 counted
  it is back
  held   the last row: after 40 ms
  took 40 ms

promised               verdict  counted
restart: rows          held     7 promised, 7 counted
restart: the last row  held     after 40 ms

All promises held, in 40 ms.
`)
  })

  it('counts a scenario that throws as broken, and goes on with the next', async () => {
    const clock = new VirtualClock()
    const { card, text } = cardOn(clock)
    await card.scenario('one', 'it fails', () => card.seen('peace', Promise.reject(new Error('no peace'))))
    await card.scenario('two', 'it runs', async () => card.promise('war', true, 'ended'))
    await clock.advanceAsync(2500)
    expect(card.finish()).toBe(false)
    expect(text()).toContain('no peace')
    expect(text()).toContain('one: peace            BROKEN   not within 0 ms')
    expect(text()).toContain('one: runs to its end  BROKEN   no')
    expect(text()).toContain('two: war              held     ended')
    expect(text()).toContain('A PROMISE WAS BROKEN, in 2.5 s.')
  })

  it('breaks a promise of equality that does not hold', async () => {
    const { card } = cardOn(new VirtualClock())
    await card.scenario('one', 'it differs', async () => card.equal('rows', 7, 6))
    expect(card.finish()).toBe(false)
  })
})
