import { fc, test } from '@fast-check/vitest'
import type { StreamUpdates, UpdatesPage } from '@holdfast/tcp-replication'
import { describe, expect, it } from 'vitest'
import { Followed, KeptPosition } from './support/followed.js'

const row = (name: string): string => `["!room:x",["${name}"]]`

/** An application that takes its time over each batch. */
class Slow {
  readonly began: number[] = []
  #release = (): void => undefined

  apply = ({ token }: { readonly token: number }): Promise<void> => {
    this.began.push(token)
    return new Promise((resolve) => (this.#release = resolve))
  }

  release(): void {
    this.#release()
  }
}

describe('tokens of a catch-up that come in one chunk', () => {
  it('H13.8: are given to the application one by one, in order, and never half of one', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }])
    await it.connect()
    await it.says(
      `RDATA typing 2 ${row('a')}`,
      `RDATA typing batch ${row('b')}`,
      `RDATA typing batch ${row('c')}`,
      `RDATA typing 3 ${row('d')}`,
      `RDATA typing 4 ${row('e')}`,
      `RDATA typing batch ${row('f')}`,
    )
    const whole = [
      `typing 2 ${row('a')} → null`,
      `typing 3 ${row('b')} ${row('c')} ${row('d')} → null`,
      `typing 4 ${row('e')} → null`,
    ]
    expect(it.took()).toEqual(whole)
    await it.says(`RDATA typing 5 ${row('g')}`, 'POSITION typing 5')
    expect(it.took()).toEqual([`typing 5 ${row('f')} ${row('g')} → null`])
    expect(it.client.stats.deliveries.get('typing')).toBe(4)
    expect(it.client.stats.rows.get('typing')).toBe(7)
  })

  it('keep their order among streams', async () => {
    await using it = new Followed([
      { stream: 'typing', from: 1 },
      { stream: 'to_device', from: 1 },
    ])
    await it.connect()
    await it.says(`RDATA typing 2 ${row('a')}`, 'RDATA to_device 2 ["@u:x"]', `RDATA typing 3 ${row('b')}`)
    expect(it.took()).toEqual([
      `typing 2 ${row('a')} → null`,
      'to_device 2 ["@u:x"] → null',
      `typing 3 ${row('b')} → null`,
    ])
  })

  it('I17: come again, all of them, when the application fails at one', async () => {
    const store = new KeptPosition()
    store.value = { at: 1 }
    const seen: number[] = []
    let broken = true
    const apply = ({ token }: { readonly token: number }): void => {
      if (token === 3 && broken) throw new Error('disk full')
      seen.push(token)
    }
    await using it = new Followed([{ stream: 'typing', store, apply }])
    await it.connect()
    const rows = [2, 3, 4].map((token) => `RDATA typing ${token} ${row('a')}`)
    await it.says(...rows)
    expect(it.dialer.links[0]?.endedByOwner?.kind).toBe('adapter-threw')
    expect(seen).toEqual([2])
    broken = false
    await it.connect()
    expect(it.wrote()).toContain('REPLICATE typing 1')
    await it.says(...rows, 'POSITION typing 4')
    expect(seen).toEqual([2, 2, 3, 4])
    expect(store.saved).toEqual([4])
  })

  it('H13.9: are applied up to the row at which a stream stops', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1, badRows: 'stop' }])
    await it.connect()
    await it.says(`RDATA typing 2 ${row('a')}`, 'RDATA typing 3 ["short"]', `RDATA typing 4 ${row('b')}`)
    expect(it.took()).toEqual([`typing 2 ${row('a')} → null`])
  })

  it('9.4: are applied before the state is loaded anew, if they came before the news', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }])
    await it.connect()
    await it.says(`RDATA typing 2 ${row('a')}`, 'ERROR stream typing has lost rows after 2: it begins at 6')
    expect(it.took()).toEqual([`typing 2 ${row('a')} → null`, 'typing reset too-old at 6'])
  })

  it('are applied before a line that cannot be understood ends the link', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }])
    await it.connect()
    await it.says(`RDATA typing 2 ${row('a')}`, 'NONSENSE nobody may say this', 'USER_SYNC @a:x start 1')
    expect(it.took()).toEqual([`typing 2 ${row('a')} → null`])
  })

  it('I25: need not fit into the staging budget together', async () => {
    for (const staging of [{ bytes: 500 }, { bytes: 100_000, count: 3 }]) {
      await using it = new Followed([{ stream: 'typing', from: 1 }], { buffers: { staging } })
      await it.connect()
      await it.says(...Array.from({ length: 50 }, (_, index) => `RDATA typing ${index + 2} ${row('a')}`))
      expect(it.problems).toEqual([])
      expect(it.took()).toHaveLength(50)
    }
  })
})

describe('tokens of a catch-up that wait behind one being applied', () => {
  const chunk = [2, 3, 4].map((token) => `RDATA typing ${token} ${row('a')}`)

  it('are applied one after the other, and from then on a lost link costs no more than one', async () => {
    const slow = new Slow()
    await using it = new Followed([{ stream: 'typing', from: 1, apply: slow.apply }])
    await it.connect()
    await it.says(...chunk)
    expect(slow.began).toEqual([2])
    for (let time = 0; time < 3; time += 1) {
      slow.release()
      await it.settle()
    }
    expect(slow.began).toEqual([2, 3, 4])
    await it.says(...[5, 6].map((token) => `RDATA typing ${token} ${row('a')}`))
    expect(slow.began).toEqual([2, 3, 4, 5])
    it.link.closeByPeer()
    slow.release()
    await it.settle()
    expect(slow.began).toEqual([2, 3, 4, 5])
  })

  it('I21: are dropped when the state has to be loaded anew', async () => {
    const slow = new Slow()
    await using it = new Followed([{ stream: 'typing', from: 1, apply: slow.apply }])
    await it.connect()
    await it.says(...chunk)
    await it.says('ERROR stream typing has lost rows after 1: it begins at 6')
    slow.release()
    await it.settle()
    expect(slow.began).toEqual([2])
    expect(it.took()).toEqual(['typing reset too-old at 6'])
  })

  it('H13.13: are dropped when the client drains', async () => {
    const slow = new Slow()
    const store = new KeptPosition()
    store.value = { at: 1 }
    await using it = new Followed([{ stream: 'typing', store, apply: slow.apply }])
    await it.connect()
    await it.says(...chunk, 'POSITION typing 4')
    const drained = it.client.drain({ within: 1000 })
    slow.release()
    await it.settle(10)
    expect(await drained).toMatchObject({ timedOut: false })
    expect(slow.began).toEqual([2])
    expect(store.value).toEqual({ at: 1 })
  })

  it('H13.13: are dropped when the application closes the client while it applies one', async () => {
    const seen: number[] = []
    await using it = new Followed([
      {
        stream: 'typing',
        from: 1,
        apply({ token }) {
          seen.push(token)
          it.client.close()
        },
      },
    ])
    await it.connect()
    await it.says(...chunk, 'POSITION typing 4', `RDATA typing 5 ${row('a')}`)
    expect(seen).toEqual([2])
    expect(it.client.progress()).toMatchObject([{ applied: null }])
  })
})

describe('a catch-up whose link ends before its end', () => {
  it('9.1: begins anew, because its position comes with its end', async () => {
    await using it = new Followed([{ stream: 'typing', from: 1 }])
    await it.connect()
    await it.says(`RDATA typing 2 ${row('a')}`, `RDATA typing 3 ${row('b')}`)
    it.link.closeByPeer()
    await it.connect()
    expect(it.wrote()).toContain('REPLICATE typing 1')
  })

  it('14.2: begins anew in D2 too, whatever pages of it have been applied', async () => {
    const asked: number[] = []
    const updates: StreamUpdates = (_stream, from, _upTo, signal) => {
      asked.push(from)
      const page: UpdatesPage = { updates: [[from + 1, row('a')]], upTo: from + 1 }
      if (from < 3) return Promise.resolve(page)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('over'))))
    }
    await using it = new Followed([{ stream: 'typing', from: 1 }], { dialect: 'D2', updates })
    for (let link = 0; link < 2; link += 1) {
      await it.connect()
      await it.says('POSITION typing master 9 9')
      expect(it.took()).toEqual([`typing 2 ${row('a')} → null`, `typing 3 ${row('a')} → null`])
      it.link.closeByPeer()
    }
    expect(asked).toEqual([1, 2, 3, 1, 2, 3])
  })
})

describe('a catch-up', () => {
  const lines = [
    `RDATA typing 2 ${row('a')}`,
    `RDATA typing 3 ${row('b')}`,
    `RDATA typing batch ${row('c')}`,
    `RDATA typing 4 ${row('d')}`,
    'RDATA to_device 2 ["@u:x"]',
    'PING 5',
    `RDATA typing 3 ${row('e')}`,
    'RDATA typing 6 ["short"]',
    `RDATA typing 7 ${row('f')}`,
    'POSITION typing 7',
    `RDATA typing 8 ${row('g')}`,
    `RDATA typing batch ${row('h')}`,
    `RDATA typing 9 ${row('i')}`,
    'POSITION to_device 2',
    'RDATA to_device 3 ["@u:x"]',
  ]
  const text = lines.map((line) => `${line}\n`).join('')

  async function heard(cuts: readonly number[]): Promise<string[]> {
    await using it = new Followed([
      { stream: 'typing', from: 1 },
      { stream: 'to_device', from: 1 },
    ])
    await it.connect()
    const places = [0, ...cuts.toSorted((a, b) => a - b), text.length]
    for (const [index, place] of places.entries()) it.link.receive(text.slice(place, places[index + 1]))
    await it.settle()
    return it.took()
  }

  test.prop([fc.array(fc.nat(text.length), { maxLength: 8 })])(
    'H13.8: is applied the same, however it is cut into chunks',
    async (cuts) => {
      expect(await heard(cuts)).toEqual(await heard(Array.from({ length: text.length }, (_, at) => at)))
    },
  )
})
