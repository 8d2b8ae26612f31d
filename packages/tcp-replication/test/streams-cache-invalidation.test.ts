import { expandCacheRow, RowError } from '@holdfast/tcp-replication'
import { describe, expect, test } from 'vitest'

const of = (cacheFunc: string, keys: string[] | null) =>
  expandCacheRow({ cacheFunc, keys, invalidationTs: 0 })
const room = (name: string) => [
  { cache: 'get_users_in_room', keys: [name] },
  { cache: 'get_room_summary', keys: [name] },
  { cache: 'get_current_state_ids', keys: [name] },
]

describe('what a row of caches stands for', () => {
  test('W10: itself', () => {
    expect(of('get_user_by_id', ['@u:x'])).toEqual([{ cache: 'get_user_by_id', keys: ['@u:x'] }])
  })

  test('W14.1: the whole cache without keys', () => {
    expect(of('f', null)).toEqual([{ cache: 'f', keys: null }])
  })

  test('W10: cs_cache_fake without members stands for what is known of the room', () => {
    expect(of('cs_cache_fake', ['!r:x'])).toEqual(room('!r:x'))
  })

  test('W10: and for each domain once, everything after the first colon', () => {
    expect(of('cs_cache_fake', ['!r:x', '@a:x', '@b:y:8448', '@c:x'])).toEqual([
      { cache: 'is_host_joined', keys: ['!r:x', 'x'] },
      { cache: 'was_host_joined', keys: ['!r:x', 'x'] },
      { cache: 'is_host_joined', keys: ['!r:x', 'y:8448'] },
      { cache: 'was_host_joined', keys: ['!r:x', 'y:8448'] },
      ...room('!r:x'),
    ])
  })

  test('W10: later special names stand for themselves', () => {
    expect(of('ph_cache_fake', ['!r:x'])).toEqual([{ cache: 'ph_cache_fake', keys: ['!r:x'] }])
  })

  test.each([[null], [[]], [['!r:x', 'nobody']]])('H13.9: cs_cache_fake of %j is an error', (keys) => {
    expect(() => of('cs_cache_fake', keys)).toThrow(RowError)
  })
})
