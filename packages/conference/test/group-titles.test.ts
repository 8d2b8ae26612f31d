import { messageIds } from '@holdfast/conference'
import { describe, expect, it } from 'vitest'
import { identifier, key, Rig } from './support/rig.js'

const B = 0x10
const C = 0x20

function answer(rig: Rig, from: number, title: string): Rig {
  return rig.packet(from, { kind: 'title-response', conference: 0, title: Buffer.from(title) })
}

describe('a title that somebody answers', () => {
  it('R22: is taken if there never was one', () => {
    const rig = answer(new Rig().create().join(B), B, 'One')
    expect(rig.news).toEqual([{ kind: 'title', conference: 0, title: 'One', by: null }])
  })

  it('R22: is not taken once one was taken', () => {
    const rig = answer(answer(new Rig().create().join(B), B, 'One').forget(), B, 'Two')
    expect(rig.title).toBe('One')
    expect(rig.news).toEqual([{ kind: 'title-conflict', conference: 0, title: 'Two', from: key(B) }])
  })

  it('R22: is not taken after a Title message', () => {
    const rig = new Rig().create().join(B).message(B, B, 1, messageIds.title, 'One')
    expect(answer(rig, B, 'Two').title).toBe('One')
  })

  it('R22: is taken if there was a tick without anybody else since the title was set', () => {
    const rig = new Rig().create().join(B).message(B, B, 1, messageIds.title, 'One').down(B).tick().up(B)
    rig.packet(B, { kind: 'online', sender: B, identifier }).chat(B, B, 2, 'I am back')
    expect(answer(rig, B, 'Two').title).toBe('Two')
  })

  it('R22: is not taken if nobody was ever alone at a tick', () => {
    const rig = new Rig()
      .create()
      .join(B)
      .join(C)
      .message(B, B, 1, messageIds.title, 'One')
      .down(B)
      .tick()
      .up(B)
    rig.packet(B, { kind: 'online', sender: B, identifier })
    expect(answer(rig, B, 'Two').title).toBe('One')
  })

  it('U1: is not taken if we set the title ourselves while somebody was there', () => {
    const rig = new Rig().create().join(B).do({ kind: 'set-title', conference: 0, title: 'One' })
    expect(answer(rig, B, 'Two').title).toBe('One')
  })

  it('R22: means nothing if it is the one we have', () => {
    const rig = answer(answer(new Rig().create().join(B), B, 'One').forget(), B, 'One')
    expect(rig.news).toEqual([])
  })
})

describe('a title of ours', () => {
  it('T16: is told to others if there are any', () => {
    const rig = new Rig().create().do({ kind: 'set-title', conference: 0, title: 'One' })
    expect([rig.sent(), rig.title]).toEqual([[], 'One'])
    rig.join(B).do({ kind: 'set-title', conference: 0, title: 'Two' })
    expect(rig.kinds()).toEqual(['title'])
  })

  it('T16: is not told if it is the one already', () => {
    const rig = new Rig().create().join(B).do({ kind: 'set-title', conference: 0, title: 'One' }).forget()
    expect(rig.do({ kind: 'set-title', conference: 0, title: 'One' }).effects).toEqual([])
  })

  it('T16: has 1 to 128 bytes', () => {
    const rig = new Rig().create().do({ kind: 'set-title', conference: 0, title: '' })
    rig.do({ kind: 'set-title', conference: 0, title: 'é'.repeat(65) })
    expect(rig.refused).toEqual(['empty', 'too-long'])
    expect(rig.do({ kind: 'set-title', conference: 0, title: 'é'.repeat(64) }).title).toBe('é'.repeat(64))
  })

  it('T16: by another is taken if it is new', () => {
    const rig = new Rig()
      .create()
      .join(B)
      .message(B, B, 1, messageIds.title, 'One')
      .message(B, B, 2, messageIds.title, 'One')
    expect(rig.news).toEqual([{ kind: 'title', conference: 0, title: 'One', by: key(B) }])
    expect(rig.kinds()).toEqual(['title', 'title'])
  })
})
