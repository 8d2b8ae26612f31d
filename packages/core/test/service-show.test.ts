import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type LiveText, Show, showUntil, showWithin } from '../src/service/index.js'
import { VirtualClock } from '../src/testing/index.js'

function recorder(): { text: () => string; out: { write: (text: string) => boolean } } {
  let all = ''
  return { text: () => stripVTControlCharacters(all), out: { write: (text) => ((all += text), true) } }
}

describe('a show', () => {
  it('tells scenes, what happens, and a table of promises', () => {
    const { text, out } = recorder()
    const show = new Show({ out, live: null })
    show.scene('kill -9')
    show.say('the server is dead')
    show.draw(() => {
      throw new Error('nobody sees a status without a terminal')
    })
    show.finish([
      { promised: 'nothing is lost', counted: '0 of 7', held: true },
      { promised: 'back soon', counted: 'after 9 s', held: false },
    ])
    expect(text()).toBe(`▶ kill -9
  the server is dead

promised         verdict  counted
nothing is lost  held     0 of 7
back soon        BROKEN   after 9 s
`)
  })

  it('draws the status below, and takes it away before it tells more', () => {
    const { out } = recorder()
    const drawn: string[] = []
    const live: LiveText = Object.assign((text: string) => void drawn.push(stripVTControlCharacters(text)), {
      clear: () => void drawn.push('cleared'),
      done: () => void drawn.push('done'),
    })
    const show = new Show({ out, live })
    show.scene('quiet')
    show.draw(() => ['  all well'])
    show.say('something')
    show.finish([])
    expect(drawn).toEqual(['cleared', '\nquiet\n  all well', 'cleared', 'cleared', 'done'])
  })

  it('waits until something is so, and not for ever', async () => {
    const clock = new VirtualClock()
    let isMet = false
    const waiting = showUntil(clock, () => isMet)
    await clock.advanceAsync(30)
    isMet = true
    await clock.advanceAsync(10)
    expect(await waiting).toBe(40)
    const vain = expect(showUntil(clock, () => false, 50, 'peace')).rejects.toThrow('50 ms in vain for peace')
    await clock.advanceAsync(100)
    await vain
  })

  it('waits for a promise, and not for ever', async () => {
    const clock = new VirtualClock()
    expect(await showWithin(clock, Promise.resolve(7), 50, 'a number')).toBe(7)
    await expect(showWithin(clock, Promise.reject(new Error('broken')), 50, 'it')).rejects.toThrow('broken')
    expect(clock.pending).toBe(0)
    const never = new Promise(() => undefined)
    const vain = expect(showWithin(clock, never, 50, 'the end')).rejects.toThrow('50 ms in vain for the end')
    await clock.advanceAsync(50)
    await vain
  })
})
