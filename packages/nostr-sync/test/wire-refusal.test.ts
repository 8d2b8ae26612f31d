import {
  closedMeaning,
  loadComplaint,
  negentropyRefusal,
  refusalPrefix,
  refusesNegentropy,
} from '@holdfast/nostr-sync'
import { describe, expect, it } from 'vitest'
import { rules } from './support/vectors.js'

describe('what notices and refusals mean', () => {
  it.each(rules.rateLimitNotices)('R83, R85: $notice', ({ notice, expected }) => {
    const meaning =
      expected === true ? 'rate-limit' : expected === 'subscriptionLimit' ? 'subscription-limit' : null
    expect(loadComplaint(notice)).toBe(meaning)
  })

  it('R85: too many subscriptions, as other relays put it', () => {
    expect(loadComplaint('rate-limited: too many REQs')).toBe('subscription-limit')
    expect(loadComplaint('too many open subscriptions')).toBe('subscription-limit')
  })

  it.each(rules.negentropyUnsupportedNotices)('R99: $notice', ({ notice, treatAsUnsupported }) => {
    expect(refusesNegentropy(notice)).toBe(treatAsUnsupported)
  })

  it.each([
    ['duplicate: have this event', 'duplicate'],
    ['ERROR: bad req: arr too big', null],
    ['ERROR: blocked: no', 'blocked'],
    ['auth-required: who are you', 'auth-required'],
    ['rate-limited:', 'rate-limited'],
    ['sorry: no', null],
    ['', null],
  ])('9.2: the prefix of %j', (text, expected) => {
    expect(refusalPrefix(text)).toBe(expected)
  })

  it.each([
    ['auth-required: x', 'authenticate'],
    ['rate-limited: x', 'cool-down'],
    ['ERROR: too many concurrent REQs', 'cool-down'],
    ['restricted: x', 'failed'],
    ['ERROR: bad req: error parsing #e', 'failed'],
    ['', 'failed'],
  ])('R55: CLOSED %j', (text, expected) => {
    expect(closedMeaning(text)).toBe(expected)
  })

  it.each([
    ['blocked: too many query results', 'too-large'],
    ['closed: unknown subscription handle', 'restart'],
    ['error: whatever', 'failed'],
  ])('R100: NEG-ERR %j', (text, expected) => {
    expect(negentropyRefusal(text)).toBe(expected)
  })
})
