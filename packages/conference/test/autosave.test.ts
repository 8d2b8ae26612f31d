import { FaultLog, type Log, silentLog } from '@holdfast/core'
import { VirtualClock } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { Autosave } from '../src/client/autosave.js'

/** What is saved, and a disk that the test holds up or fills. */
class Desk {
  readonly clock = new VirtualClock()
  readonly said: string[] = []
  /** How many changes each write had. */
  readonly written: number[] = []
  changes = 0
  isFull = false
  /** Lets what is being written finish; `null` while the disk is quick. */
  finish: (() => void) | null = null
  isSlow = false
  readonly autosave: Autosave

  constructor() {
    const log: Log = {
      ...silentLog,
      error: (_, text) => void this.said.push(text),
      warn: (_, text) => void this.said.push(text),
    }
    this.autosave = new Autosave({
      clock: this.clock,
      write: async () => {
        const { changes } = this
        if (this.isSlow) await new Promise<void>((resolve) => (this.finish = resolve))
        if (this.isFull) throw new Error('no space left on device')
        this.written.push(changes)
      },
      faults: new FaultLog(log, 'it could not be saved'),
    })
  }

  change(): void {
    this.changes += 1
    this.autosave.soon()
  }

  /** Lets time pass, and what it leads to happen. */
  async pass(ms: number): Promise<void> {
    await settled()
    this.clock.advance(ms)
    await settled()
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
}

describe('what changes', () => {
  it('is written at once, and what changes then in one piece after a rest', async () => {
    const desk = new Desk()
    desk.change()
    desk.change()
    desk.change()
    await desk.pass(99)
    expect(desk.written).toEqual([1])
    await desk.pass(1)
    expect(desk.written).toEqual([1, 3])
    await desk.pass(10_000)
    expect(desk.written).toEqual([1, 3])
    expect(desk.clock.pending).toBe(0)
  })

  it('is written when somebody waits for it, without a rest, and whatever else changes without end', async () => {
    const desk = new Desk()
    desk.isSlow = true
    desk.change()
    desk.change()
    let isSaved = false
    const waiting = desk.autosave.now().then(() => (isSaved = true))
    const too = desk.autosave.now()
    desk.finish?.()
    await settled()
    expect([desk.written, isSaved]).toEqual([[1], false])
    desk.change()
    desk.finish?.()
    await Promise.all([waiting, too])
    expect(desk.written).toEqual([1, 2])
  })

  it('and could not be written is tried again until it is, and told once', async () => {
    const desk = new Desk()
    desk.isFull = true
    desk.change()
    await desk.autosave.now()
    await desk.pass(999)
    await desk.pass(1)
    expect(desk.said).toEqual(['it could not be saved; told once until it works again'])
    desk.isFull = false
    await desk.pass(1000)
    expect(desk.written).toEqual([1])
    expect(desk.said.slice(1)).toEqual(['it could not be saved: that is over'])
  })
})

describe('the end', () => {
  it('does not wait for the rest, and nothing is written after it', async () => {
    const desk = new Desk()
    desk.change()
    desk.change()
    await settled()
    await desk.autosave.stop()
    desk.change()
    await desk.autosave.now()
    await desk.pass(10_000)
    expect(desk.written).toEqual([1])
    expect(desk.clock.pending).toBe(0)
  })

  it('waits for what is being written', async () => {
    const desk = new Desk()
    desk.isSlow = true
    desk.change()
    let isOver = false
    const stopping = desk.autosave.stop().then(() => (isOver = true))
    await settled()
    expect(isOver).toBe(false)
    desk.finish?.()
    await stopping
    await desk.pass(10_000)
    expect(desk.written).toEqual([1])
    expect(desk.clock.pending).toBe(0)
  })
})
