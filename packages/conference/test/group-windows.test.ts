import { fc, test } from '@fast-check/vitest'
import {
  type ClosestPeers,
  isGreater,
  type LossyWindow,
  noClosestPeers,
  offerClosest,
  remember,
  rememberLossy,
  ringDistance,
  type SeenMessage,
} from '@holdfast/conference'
import { describe, expect, it } from 'vitest'
import { vectorFile } from './support/vectors.js'

interface Verdicts {
  readonly checkpoints: {
    readonly verdicts: readonly {
      readonly messageNumber: number
      readonly messageId: number
      readonly text: string
      readonly accepted: boolean
      readonly lossyNumber: number
      readonly relayed: boolean
      readonly note: string
    }[]
  }
}

interface Rounds {
  readonly checkpoints: {
    readonly rounds: readonly {
      readonly added: { readonly realPk: string; readonly dhtPk: string }
      readonly outputs: readonly { readonly op: string; readonly realPk: string }[]
    }[]
  }
  readonly peers: readonly { readonly realPk: string }[]
}

describe('the window of message numbers', () => {
  it('T8: takes and drops what the real one did', () => {
    let seen: readonly SeenMessage[] = []
    // What is malformed is dropped after its number has been used up.
    const isMalformed = (messageId: number, text: string): boolean =>
      messageId === 99 || (messageId === 64 && text === '')
    for (const { messageNumber, messageId, text, accepted } of (vectorFile('dup-filter') as Verdicts)
      .checkpoints.verdicts) {
      const next = remember(seen, messageNumber, messageId)
      seen = next ?? seen
      expect({ messageNumber, text, accepted: next !== null && !isMalformed(messageId, text) }).toEqual({
        messageNumber,
        text,
        accepted,
      })
    }
  })

  test.prop([
    fc.array(fc.tuple(fc.nat(0xffff_ffff), fc.constantFrom(0x40, 0x30, 0x31))),
    fc.nat(0xffff_ffff),
  ])(
    'T8: never takes the same number twice in a row, and never remembers more than eight',
    (messages, last) => {
      let seen: readonly SeenMessage[] = []
      for (const [number, id] of messages) {
        seen = remember(seen, number, id) ?? seen
        expect(remember(seen, number, id)).toBeNull()
        expect(seen.length).toBeLessThanOrEqual(8)
      }
      expect(remember(remember(seen, last, 0x40) ?? seen, last, 0x40)).toBeNull()
    },
  )

  test.prop([fc.nat(0xffff_ffff), fc.integer({ min: 1, max: 2 ** 31 - 2 })])(
    'T8: numbers wrap around',
    (from, by) => {
      const to = (from + by) >>> 0
      expect([isGreater(to, from), isGreater(from, to), isGreater(from, from)]).toEqual([true, false, false])
    },
  )
})

describe('the window of lossy numbers', () => {
  it('T17: takes and drops what the real one did', () => {
    let window: LossyWindow | null = null
    for (const { lossyNumber, relayed, note } of (vectorFile('lossy') as Verdicts).checkpoints.verdicts) {
      const next: LossyWindow | null = rememberLossy(window, lossyNumber)
      window = next ?? window
      expect({ lossyNumber, note, relayed: next !== null }).toEqual({ lossyNumber, note, relayed })
    }
  })

  test.prop([fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 300 })])(
    'T17: is bounded, and takes nothing twice',
    (numbers) => {
      let window: LossyWindow | null = null
      for (const number of numbers) {
        window = rememberLossy(window, number) ?? window
        expect(rememberLossy(window, number)).toBeNull()
      }
      expect((window?.seen ?? 0n) < 1n << 256n).toBe(true)
    },
  )
})

describe('the closest peers', () => {
  const { checkpoints, peers } = vectorFile('closest') as Rounds
  const self = peers[0]?.realPk ?? ''
  // R had come in before, and has the first slot.
  const first = offerClosest(noClosestPeers, self, { realKey: peers[1]?.realPk ?? '', dhtKey: '' })

  it('T9: are those that the real one chose, offer by offer', () => {
    let slots = first
    for (const { added, outputs } of checkpoints.rounds) {
      const before = slots.map((slot) => slot?.realKey)
      slots = offerClosest(slots, self, { realKey: added.realPk, dhtKey: added.dhtPk })
      const after = slots.map((slot) => slot?.realKey)
      const wanted = outputs.filter(({ op }) => op === 'want-connection').map(({ realPk }) => realPk)
      expect(after.filter((one) => !before.includes(one))).toEqual(wanted)
    }
  })

  const keys = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => Buffer.from(bytes).toString('hex'))

  test.prop([keys, fc.uniqueArray(keys, { minLength: 4, maxLength: 30 })])(
    'T9: hold the nearest on either side, and nobody twice',
    (us, others) => {
      const offered = others.filter((other) => other !== us)
      const slots = offered.reduce<ClosestPeers>(
        (all, realKey) => offerClosest(all, us, { realKey, dhtKey: '' }),
        noClosestPeers,
      )
      const held = slots.flatMap((slot) => slot?.realKey ?? [])
      expect(new Set(held).size).toBe(Math.min(4, offered.length))
      const nearest = offered.toSorted((a, b) => Number(ringDistance(us, a) - ringDistance(us, b)))[0]
      const other = offered.toSorted((a, b) => Number(ringDistance(a, us) - ringDistance(b, us)))[0]
      expect(held).toContain(nearest)
      expect(held).toContain(other)
    },
  )
})
