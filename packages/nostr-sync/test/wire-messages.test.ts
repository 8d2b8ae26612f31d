import { fc, test } from '@fast-check/vitest'
import {
  type ClientMessage,
  formatClientMessage,
  formatRelayInfo,
  formatRelayMessage,
  MessageError,
  type RelayMessage,
  readClientMessage,
  readRelayInfo,
  readRelayMessage,
} from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { eventNamed, strfryLogs } from './support/vectors.js'

const event = eventNamed('issue')
const name = fc.string({ minLength: 1, maxLength: 64 })
const text = fc.string({ maxLength: 100 })

const relayMessages: fc.Arbitrary<RelayMessage> = fc.oneof(
  fc.record({ kind: fc.constant('event'), subscription: name, event: fc.constant(event) }),
  fc.record({ kind: fc.constant('eose'), subscription: name }),
  fc.record({ kind: fc.constant('closed'), subscription: name, text }),
  fc.record({ kind: fc.constant('ok'), id: fc.constant(event.id), accepted: fc.boolean(), text }),
  fc.record({ kind: fc.constant('notice'), text }),
  fc.record({ kind: fc.constant('auth'), challenge: text }),
  fc.record({ kind: fc.constant('count'), subscription: name, count: fc.nat(), approximate: fc.boolean() }),
  fc.record({ kind: fc.constant('neg-msg'), subscription: name, message: text }),
  fc.record({ kind: fc.constant('neg-err'), subscription: name, text, max: fc.option(fc.nat()) }),
)

const clientMessages: fc.Arbitrary<ClientMessage> = fc.oneof(
  fc.record({ kind: fc.constantFrom('event', 'auth'), event: fc.constant(event) }),
  fc.record({
    kind: fc.constantFrom('req', 'count'),
    subscription: name,
    filters: fc.array(fc.constantFrom({ kinds: [1] }, { '#e': [event.id], limit: 0 }), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
  fc.record({ kind: fc.constantFrom('close', 'neg-close'), subscription: name }),
  fc.record({
    kind: fc.constant('neg-open'),
    subscription: name,
    filter: fc.constant({ kinds: [1] }),
    message: text,
  }),
  fc.record({ kind: fc.constant('neg-msg'), subscription: name, message: text }),
)

describe('messages of relays', () => {
  test.prop([relayMessages])('9.2: are read as they were written', (message) => {
    expect(readRelayMessage(formatRelayMessage(message))).toEqual(message)
  })

  it('9.2: verbs that we do not know are no error', () => {
    expect(readRelayMessage('["HELLO",{}]')).toEqual({ kind: 'unknown', verb: 'HELLO' })
  })

  it('9.2: an event of the wrong shape is told as such, with the id that it claims', () => {
    expect(readRelayMessage(JSON.stringify(['EVENT', 's', { ...event, kind: -1 }]))).toEqual({
      kind: 'malformed-event',
      subscription: 's',
      reading: { kind: 'malformed', id: event.id, why: 'kind must be a whole number up to 65535' },
    })
  })

  it.each([
    'not json',
    '[]',
    '[1]',
    '{}',
    '["EOSE"]',
    '["EOSE",""]',
    `["EOSE","${'x'.repeat(257)}"]`,
    '["OK","x",true,""]',
    `["OK","${event.id}","yes",""]`,
    '["AUTH"]',
    '["COUNT","s",{"count":-1}]',
    '["COUNT","s"]',
    '["NEG-MSG","s"]',
  ])('9.2: refuses %s', (frame) => {
    expect(() => readRelayMessage(frame)).toThrow(MessageError)
  })

  it('9: refuses frames beyond the limit, in bytes', () => {
    const frame = JSON.stringify(['NOTICE', 'é'.repeat(50)])
    expect(readRelayMessage(frame, { maxFrameBytes: 113 }).kind).toBe('notice')
    expect(() => readRelayMessage(frame, { maxFrameBytes: 112 })).toThrow(/more than 112 bytes/)
  })

  test.prop([fc.array(fc.jsonValue()), fc.constantFrom('EVENT', 'OK', 'COUNT', 'NEG-ERR', 'AUTH', 'X')])(
    '9.2: whatever follows the verb is read or refused',
    (rest, verb) => {
      try {
        readRelayMessage(JSON.stringify([verb, ...rest]))
      } catch (error) {
        expect(error).toBeInstanceOf(MessageError)
      }
    },
  )
})

describe('messages of clients', () => {
  test.prop([clientMessages])('9.2: are read as they were written', (message) => {
    expect(readClientMessage(formatClientMessage(message))).toEqual(message)
  })

  it.each([
    ['["REQ","s"]', ['CLOSED', 's', 'invalid: no filter']],
    ['["REQ","",{}]', ['NOTICE', 'invalid: bad subscription id']],
    [
      '["REQ","s",{"kinds":["1"]}]',
      ['CLOSED', 's', 'invalid: kinds must be a list of whole numbers up to 65535'],
    ],
    ['["COUNT","s",{"foo":1}]', ['CLOSED', 's', 'invalid: unknown filter member foo']],
    ['["EVENT","str"]', ['OK', '?', false, 'invalid: an event must be an object']],
    ['["EVENT"]', ['OK', '?', false, 'invalid: an event must be an object']],
    ['["NEG-OPEN","n",{"foo":1},"61"]', ['NEG-ERR', 'n', 'error: unknown filter member foo']],
    ['["NEG-OPEN","n",{}]', ['NEG-ERR', 'n', 'error: no message']],
    ['["NEG-MSG","n"]', ['NEG-ERR', 'n', 'error: no message']],
    ['["CLOSE"]', ['NOTICE', 'invalid: bad subscription id']],
    ['["NOPE","x"]', ['NOTICE', 'unsupported: unknown verb']],
    ['not json', ['NOTICE', 'invalid: not a message']],
    ['[]', ['NOTICE', 'invalid: not a message']],
  ])('9.2: %s is answered', (frame, answer) => {
    const received = readClientMessage(frame)
    expect(received.kind === 'refused' && JSON.parse(formatRelayMessage(received.answer))).toEqual(answer)
  })

  it('9.2: a REQ has a limit of filters', () => {
    const frame = JSON.stringify(['REQ', 's', {}, {}, {}])
    expect(readClientMessage(frame, { maxFilters: 3 }).kind).toBe('req')
    expect(readClientMessage(frame, { maxFilters: 2 }).kind).toBe('refused')
  })

  test.prop([fc.jsonValue()])('9.2: any JSON is read or answered', (value) => {
    expect(readClientMessage(JSON.stringify(value)).kind).toBeTypeOf('string')
  })
})

describe('conversations that were recorded with strfry', () => {
  const frames = strfryLogs.flatMap(({ log }) => log.filter(({ msg }) => msg?.endsWith(']')))

  it.each(frames)('9.2: $dir $msg', ({ dir, msg = '' }) => {
    if (dir === 'client>relay') expect(readClientMessage(msg)).toBeDefined()
    // It answers an event without an id with `?`, which no client of ours asks for.
    else if (msg.includes('"OK","?"')) expect(() => readRelayMessage(msg)).toThrow(MessageError)
    else expect(readRelayMessage(msg).kind).not.toBe('unknown')
  })
})

describe('what a relay says about itself', () => {
  it('R94: strfry', () => {
    const json = JSON.stringify({
      name: 'strfry',
      supported_nips: [1, 77],
      negentropy: 1,
      limitation: { max_limit: 500, max_message_length: 131_072, max_subscriptions: 200 },
    })
    expect(readRelayInfo(json)).toMatchObject({
      name: 'strfry',
      supportedNips: [1, 77],
      limitation: { maxLimit: 500, maxMessageLength: 131_072, maxSubscriptions: 200 },
    })
  })

  it('R94: what is wrong is as good as missing', () => {
    const json =
      '{"name":5,"supported_nips":"all","limitation":{"max_limit":-1,"max_subscriptions":"9","auth_required":1}}'
    expect(readRelayInfo(json)).toEqual({ supportedNips: [], supportedGrasps: [], limitation: {} })
    expect(readRelayInfo('{"limitation":[]}')?.limitation).toEqual({})
  })

  it.each(['', 'x', '[]', '1', 'null', `{"name":"${'x'.repeat(256 * 1024)}"}`])(
    'R94: %.20s is none',
    (json) => {
      expect(readRelayInfo(json)).toBeNull()
    },
  )

  it('R94: our own is read as it was written', () => {
    const info = {
      name: 'n',
      software: 's',
      version: 'v',
      supportedNips: [1, 11],
      supportedGrasps: ['GRASP-02'],
      limitation: {
        maxLimit: 500,
        maxSubscriptions: 20,
        maxMessageLength: 1,
        defaultLimit: 2,
        maxSubscriptionId: 64,
        authRequired: false,
      },
    }
    expect(readRelayInfo(formatRelayInfo(info))).toEqual(info)
  })
})
