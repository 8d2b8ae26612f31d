import { createHash } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import {
  type ItemEdit,
  NegentropyBuilder,
  NegentropyError,
  NegentropyInitiator,
  type NegentropyItems,
  NegentropyResponder,
  negentropyFromHex,
  negentropyItems,
  negentropyToHex,
} from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { MessageReader, MessageWriter } from '../src/wire/negentropy/message.js'
import { negentropy, type Scenario, type ScenarioSide } from './support/vectors.js'

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
const universeId = (index: number): string => sha256(`holdfast-neg:${index}`)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function isList(side: ScenarioSide): side is readonly (readonly [number, string])[] {
  return Array.isArray(side)
}

/** The rules of the vectors are JavaScript: `i=>i%10!==3`. */
const asFunction = (text: string): ((index: number) => unknown) =>
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- our own vectors
  new Function(`return ${text}`)() as (index: number) => unknown

function itemsOf(scenario: Scenario, side: ScenarioSide): NegentropyItems {
  if (isList(side)) return negentropyItems(side)
  const isOn = asFunction(side.rule)
  const timestampOf = asFunction(scenario.timestamp ?? '()=>0')
  const builder = new NegentropyBuilder()
  for (let index = 0; index < scenario.universe; index++) {
    const isListed = Array.isArray(side.indexes) ? side.indexes.includes(index) : isOn(index) === true
    if (isListed) builder.add(timestampOf(index) as number, Buffer.from(universeId(index), 'hex'))
  }
  return builder.build()
}

describe('varints of negentropy', () => {
  const readable = negentropy.varints.filter(({ value }) => Number(value) <= Number.MAX_SAFE_INTEGER)

  it.each(readable)('9.4: $value is $hex', ({ value, hex: bytes }) => {
    const writer = new MessageWriter()
    writer.varint(Number(value))
    expect(hex(writer.finish().subarray(1))).toBe(bytes)
    expect(new MessageReader(Buffer.from(bytes, 'hex')).varint()).toBe(Number(value))
  })

  it('R95: refuses what a number cannot hold', () => {
    const tooLarge = negentropy.varints.find(({ value }) => value === '18446744073709551614')
    expect(() => new MessageReader(Buffer.from(tooLarge?.hex ?? '', 'hex')).varint()).toThrow(NegentropyError)
  })
})

describe('fingerprints of negentropy', () => {
  it.each(negentropy.fingerprints)('9.4: of $count ids', ({ ids: listed, count, fingerprint }) => {
    const ids = listed ?? Array.from({ length: count }, (_, index) => universeId(index))
    const items = negentropyItems(ids.map((id, index) => [index, id]))
    expect(hex(items.fingerprint(0, items.size))).toBe(fingerprint)
  })

  const someItems = fc.array(fc.tuple(fc.nat(20), fc.nat(300).map(universeId)), { maxLength: 300 })

  test.prop([someItems, fc.nat(300), fc.nat(300)])(
    '9.4: of a part is that of a set that holds only the part',
    (pairs, a, b) => {
      const items = negentropyItems(pairs)
      const low = Math.min(a, b, items.size)
      const high = Math.min(Math.max(a, b), items.size)
      const part: [number, string][] = []
      for (let index = low; index < high; index++)
        part.push([items.timestampAt(index), hex(items.idAt(index))])
      expect(hex(items.fingerprint(low, high))).toBe(hex(negentropyItems(part).fingerprint(0, part.length)))
    },
  )
})

describe('sums of negentropy', () => {
  // Lanes that overflow at once, and such that a carry runs through.
  const lane = fc.constantFrom('00000000', '01000000', 'ffffffff', 'feffffff', '12ab34cd')
  const id = fc.array(lane, { minLength: 8, maxLength: 8 }).map((lanes) => lanes.join(''))

  test.prop([fc.array(id, { maxLength: 127, size: 'max' })])(
    '9.4: are modulo 2^256, whatever is carried',
    (ids) => {
      const numbers = ids.map((text) => BigInt(`0x${hex(Buffer.from(text, 'hex').reverse())}`))
      const sum = BigInt.asUintN(
        256,
        numbers.reduce((total, number) => total + number, 0n),
      )
      const bytes = Buffer.from(sum.toString(16).padStart(64, '0'), 'hex').reverse()
      const expected = sha256(Buffer.concat([bytes, Buffer.of(ids.length)])).slice(0, 32)
      const items = negentropyItems(ids.map((text, index) => [index, text]))
      expect(hex(items.fingerprint(0, ids.length))).toBe(expected)
    },
  )
})

describe('items of negentropy', () => {
  // Beyond 32 bits times are held otherwise.
  const time = fc.oneof(
    { weight: 20, arbitrary: fc.nat(5) },
    { weight: 20, arbitrary: fc.nat() },
    fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
  )
  const pair = fc.tuple(time, fc.nat(400).map(universeId))

  const listed = (items: NegentropyItems): [number, string][] =>
    Array.from({ length: items.size }, (_, index) => [items.timestampAt(index), hex(items.idAt(index))])

  test.prop([fc.array(pair, { maxLength: 500 })])('9.4: are sorted by time and id, each once', (pairs) => {
    const expected = [...new Map(pairs.map((one) => [one.join(), one])).values()].sort(
      ([a, x], [b, y]) => a - b || (x < y ? -1 : 1),
    )
    expect(listed(negentropyItems(pairs))).toEqual(expected)
  })

  test.prop([fc.array(fc.tuple(fc.boolean(), pair), { maxLength: 300 }), fc.integer({ min: 1, max: 100 })])(
    'R108: edited they are what they would be if made at once, sums included, and the ones before are as they were',
    (changes, atOnce) => {
      // Enough of them that sums are stored, and have to be made anew.
      const initial = Array.from({ length: 200 }, (_, n): [number, string] => [n % 3, universeId(1000 + n)])
      const model = new Map(initial.map((one) => [one.join(), one]))
      let items = negentropyItems(initial)
      for (let start = 0; start < changes.length; start += atOnce) {
        const edits = new Map<string, ItemEdit>()
        for (const [isThere, [timestamp, id]] of changes.slice(start, start + atOnce)) {
          edits.set(`${timestamp},${id}`, { timestamp, id: Buffer.from(id, 'hex'), isThere })
          if (isThere) model.set(`${timestamp},${id}`, [timestamp, id])
          else model.delete(`${timestamp},${id}`)
        }
        const before = items
        const beforehand = listed(before)
        items.fingerprint(0, items.size)
        items = items.edited([...edits.values()])
        expect(listed(before)).toEqual(beforehand)
      }
      const afresh = negentropyItems(model.values())
      expect(listed(items)).toEqual(listed(afresh))
      expect(hex(items.fingerprint(0, items.size))).toBe(hex(afresh.fingerprint(0, afresh.size)))
    },
  )

  it('9.4: are sorted by the whole id, also where ids have their first bytes in common', () => {
    const ids = ['00000000ff', '00000000aa', '0000ff0000', '0000aa0000', '00ff', '00aa'].map((start) =>
      start.padEnd(64, '0'),
    )
    const items = negentropyItems(ids.map((id) => [1, id]))
    expect(listed(items).map(([, id]) => id)).toEqual([...ids].sort())
  })

  it('R95: keep no room for more, however many were expected', () => {
    const builder = new NegentropyBuilder(1024)
    for (let index = 0; index < 1100; index++) builder.add(index, Buffer.from(universeId(index), 'hex'))
    expect(builder.build().idAt(0).buffer.byteLength).toBe(1100 * 32)
  })

  it('R95: take an id from the middle of a larger buffer', () => {
    const pooled = Buffer.from(`ff${universeId(1)}ff`, 'hex').subarray(1, 33)
    const builder = new NegentropyBuilder()
    builder.add(7, pooled)
    expect(listed(builder.build())).toEqual([[7, universeId(1)]])
  })
})

describe('messages in hex', () => {
  it('9.4: have pairs of digits and nothing else', () => {
    expect(negentropyToHex(negentropyFromHex('61a0FF'))).toBe('61a0ff')
    expect(negentropyToHex(Uint8Array.of(0, 1, 2).subarray(1))).toBe('0102')
    for (const text of ['6', 'zz', '61 ', '0x61'])
      expect(() => negentropyFromHex(text)).toThrow(NegentropyError)
  })
})

describe('a responder', () => {
  it.each(negentropy.responder)('9.4: $name', ({ responderItems, message, reply, error }) => {
    const responder = new NegentropyResponder(negentropyItems(responderItems), { frameLimit: 0 })
    const answer = (): string => hex(responder.reconcile(Buffer.from(message, 'hex')))
    if (error === undefined) expect(answer()).toBe(reply)
    else expect(answer).toThrow(NegentropyError)
  })

  test.prop([fc.uint8Array({ maxLength: 300 })])(
    '9.4: answers any bytes or refuses them, and never more than its frame limit',
    (noise) => {
      const items = negentropyItems(Array.from({ length: 500 }, (_, index) => [index, universeId(index)]))
      const responder = new NegentropyResponder(items, { frameLimit: 4096 })
      try {
        expect(responder.reconcile(Uint8Array.of(0x61, ...noise)).length).toBeLessThanOrEqual(4096)
      } catch (error) {
        expect(error).toBeInstanceOf(NegentropyError)
      }
    },
  )
})

describe('an initiator', () => {
  const items = negentropyItems([[5, universeId(0)]])

  it('9.4: fails at an answer of another version', () => {
    expect(() => new NegentropyInitiator(items).reconcile(Buffer.from('62', 'hex'))).toThrow(
      /another version/,
    )
  })

  it('I25: fails when the peer lists more ids than it may', () => {
    const writer = new MessageWriter()
    writer.bound({ timestamp: Infinity, prefix: new Uint8Array() })
    writer.varint(2)
    writer.varint(11)
    for (let index = 0; index < 11; index++) writer.raw(Buffer.from(universeId(index + 100), 'hex'))
    const initiator = new NegentropyInitiator(items, { maxIds: 10 })
    expect(() => initiator.reconcile(writer.finish())).toThrow(/more than 10 ids/)
  })

  it('9.4: refuses a frame limit that no range fits', () => {
    expect(() => new NegentropyInitiator(items, { frameLimit: 4095 })).toThrow(NegentropyError)
  })
})

describe('a whole exchange, byte for byte as the reference had it', () => {
  it.each(negentropy.scenarios)('9.4: $name', (scenario) => {
    const client = new NegentropyInitiator(itemsOf(scenario, scenario.client), {
      frameLimit: scenario.clientFrameSizeLimit,
    })
    const server = new NegentropyResponder(itemsOf(scenario, scenario.server), {
      frameLimit: scenario.serverFrameSizeLimit,
    })
    const messages: Uint8Array[] = []
    for (let message: Uint8Array | null = client.initiate(); message !== null; ) {
      const answer = server.reconcile(message)
      messages.push(message, answer)
      message = client.reconcile(answer)
    }
    const described = messages.map((message, index) =>
      typeof scenario.messages[index] === 'object'
        ? { bytes: message.length, sha256: sha256(message), head: hex(message.subarray(0, 32)) }
        : hex(message),
    )
    expect(described).toEqual(scenario.messages)
    const have = [...client.have.hex()].sort()
    const need = [...client.need.hex()].sort()
    if (scenario.have) expect(have).toEqual(scenario.have)
    if (scenario.need) expect(need).toEqual(scenario.need)
    if (scenario.haveSha256 !== undefined) expect(sha256(have.join(','))).toBe(scenario.haveSha256)
    if (scenario.needSha256 !== undefined) expect(sha256(need.join(','))).toBe(scenario.needSha256)
    expect([have.length, need.length]).toEqual([
      scenario.haveCount ?? have.length,
      scenario.needCount ?? need.length,
    ])
  })

  const side = fc.array(fc.nat(3000), { maxLength: 600 })

  test.prop([side, side, fc.constantFrom(0, 4096), fc.constantFrom(0, 4096)], { numRuns: 40 })(
    '9.4: finds exactly what each side lacks',
    (ours, theirs, clientLimit, serverLimit) => {
      const itemsFrom = (indexes: readonly number[]): NegentropyItems =>
        negentropyItems(indexes.map((index) => [index % 50, universeId(index)]))
      const client = new NegentropyInitiator(itemsFrom(ours), { frameLimit: clientLimit })
      const server = new NegentropyResponder(itemsFrom(theirs), { frameLimit: serverLimit })
      for (let message: Uint8Array | null = client.initiate(); message !== null; )
        message = client.reconcile(server.reconcile(message))
      const without = (from: readonly number[], others: readonly number[]): string[] =>
        [...new Set(from)]
          .filter((index) => !others.includes(index))
          .map(universeId)
          .sort()
      expect([...client.have.hex()].sort()).toEqual(without(ours, theirs))
      expect([...client.need.hex()].sort()).toEqual(without(theirs, ours))
    },
  )
})
