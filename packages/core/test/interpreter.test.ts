import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { Interpreter, type Step } from '../src/interpreter.js'

/** Adds up; what a number leads to is sent while it is handled. */
class Adder extends Interpreter<number, number, number> {
  readonly published: number[] = []
  readonly performed: number[] = []
  readonly #leadsTo: (event: number) => readonly number[]

  constructor(leadsTo: (event: number) => readonly number[] = () => []) {
    super(0)
    this.#leadsTo = leadsTo
  }
  override send(event: number): void {
    super.send(event)
  }
  protected step(state: number, event: number): Step<number, number> {
    return { state: state + event, effects: [event] }
  }
  protected perform(event: number): void {
    this.performed.push(event)
    for (const next of this.#leadsTo(event)) this.send(next)
    if (event === 13) throw new Error('broken environment')
  }
  protected publish(before: number): void {
    if (before !== this.published.at(-1) && this.published.length > 0) throw new Error('a step between')
    this.published.push(this.machine)
  }
}

describe('an interpreter', () => {
  test.prop([fc.array(fc.nat(12)), fc.array(fc.nat(5), { maxLength: 3 })])(
    'I9: handles one event to its end before the next, in the order in which they were sent',
    (events, branches) => {
      const adder = new Adder((event) => (event > 10 ? branches : []))
      for (const event of events) adder.send(event)
      const expected = events.flatMap((event) => (event > 10 ? [event, ...branches] : [event]))
      expect(adder.performed).toEqual(expected)
    },
  )

  it('publishes only what changed', () => {
    const adder = new Adder()
    adder.send(0)
    adder.send(1)
    expect(adder.published).toEqual([1])
  })

  it('an environment that throws neither loses nor reorders what was sent meanwhile', () => {
    const adder = new Adder((event) => (event === 13 ? [1, 2] : []))
    expect(() => adder.send(13)).toThrow('broken environment')
    adder.send(3)
    expect(adder.performed).toEqual([13, 1, 2, 3])
  })
})
