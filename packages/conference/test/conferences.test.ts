import type { ConferenceMessage, ConferenceNews, MemberView } from '@holdfast/conference'
import { MemoryMember, SimulatedLinks } from '@holdfast/conference/testing'
import { seededRandom, VirtualClock } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'

/** Members in memory, all of them friends, who can be cut off. */
class Stage {
  readonly clock = new VirtualClock()
  readonly members: readonly MemoryMember[]
  readonly #links: SimulatedLinks

  constructor(...names: readonly string[]) {
    const random = seededRandom(3)
    this.#links = new SimulatedLinks(this.clock, random, { latency: { min: 5, max: 40 }, loss: 0 })
    const { clock } = this
    this.members = names.map((name) => new MemoryMember({ name, clock, links: this.#links, random }))
    for (const [index, one] of this.members.entries()) {
      for (const other of this.members.slice(index + 1)) one.befriend(other)
    }
    clock.advance(2000)
  }

  member(index: number): MemoryMember {
    const found = this.members[index]
    if (!found) throw new Error(`no member ${index}`)
    return found
  }

  /** The first one asks the others in, who come. */
  assemble(): void {
    const host = this.member(0)
    host.conferences.create()
    for (const guest of this.members.slice(1)) {
      guest.conferences.events$.subscribe((news) => {
        if (news.kind === 'invited') guest.conferences.accept(news.from, news.identifier)
      })
      host.conferences.invite(0, guest.realKey)
    }
    this.clock.advance(10_000)
  }

  cutOff(lonely: MemoryMember): void {
    this.#links.route((a, b) => a !== lonely && b !== lonely)
  }

  mend(): void {
    this.#links.route(() => true)
  }
}

function heardBy(member: MemoryMember): ConferenceMessage[] {
  const heard: ConferenceMessage[] = []
  member.conferences.messages$.subscribe((message) => heard.push(message))
  return heard
}

const live = (members: readonly MemberView[]): string[] =>
  members.filter(({ frozen }) => frozen === null).map(({ name }) => name)

describe('conferences(options)', () => {
  it('brings members together who see each other by name', () => {
    const stage = new Stage('ada', 'ben', 'cy')
    stage.assemble()
    const [view] = stage.member(1).conferences.list()
    expect(view).toMatchObject({ phase: 'connected', type: 'text', title: '' })
    expect(live(view?.members ?? []).toSorted()).toEqual(['ada', 'cy'])
  })

  it('tells what is said, by us too, with author, number and time', () => {
    const stage = new Stage('ada', 'ben')
    stage.assemble()
    const [ada, ben] = [stage.member(0), stage.member(1)]
    const heard = [heardBy(ada), heardBy(ben)]
    expect(ada.conferences.say(0, 'hello')).toBeNull()
    stage.clock.advance(1000)
    expect(ben.conferences.act(0, 'waves')).toBeNull()
    stage.clock.advance(1000)
    const words = heard.map((list) => list.map(({ name, text, as, isOurs }) => [name, text, as, isOurs]))
    expect(words[0]).toEqual([
      ['ada', 'hello', 'chat', true],
      ['ben', 'waves', 'action', false],
    ])
    expect(words[1]).toEqual([
      ['ada', 'hello', 'chat', false],
      ['ben', 'waves', 'action', true],
    ])
    expect(heard[0]?.[0]?.messageNumber).toBe(heard[1]?.[0]?.messageNumber)
  })

  it('R2, R8, E2: a member that is cut off is frozen, thaws when it is back, and hears what it missed as late', () => {
    const stage = new Stage('ada', 'ben', 'cy')
    stage.assemble()
    const [ada, cy] = [stage.member(0), stage.member(2)]
    let seen: readonly MemberView[] = []
    ada.conferences.peers$(0).subscribe((members) => (seen = members))
    const heard = heardBy(cy)
    stage.cutOff(cy)
    stage.clock.advance(90_000)
    expect(seen.find(({ name }) => name === 'cy')?.frozen).toMatchObject({ why: 'silent' })
    expect(live(seen)).toEqual(['ben'])
    expect(live(cy.conferences.get(0)?.members ?? [])).toEqual([])
    ada.conferences.say(0, 'while cy is away')
    stage.clock.advance(5000)
    stage.mend()
    stage.clock.advance(20_000)
    expect(live(seen).toSorted()).toEqual(['ben', 'cy'])
    expect(heard.map(({ text, isLate }) => [text, isLate])).toEqual([['while cy is away', true]])
  })

  it('says why something was not done, and changes nothing', () => {
    const stage = new Stage('ada', 'ben')
    const { conferences } = stage.member(0)
    expect(conferences.say(7, 'anybody?')).toBe('no-such-conference')
    expect(conferences.create()).toBe(0)
    expect(conferences.say(0, 'anybody?')).toBe('no-connection')
    expect(conferences.say(0, '')).toBe('empty')
    expect(conferences.setTitle(0, 'x'.repeat(129))).toBe('too-long')
    expect(conferences.invite(0, '00'.repeat(32))).toBe('no-such-friend')
    expect(conferences.decline('00'.repeat(32), `00${'00'.repeat(32)}`)).toBe('no-such-invitation')
  })

  it('tells all subscribers of one thing before the next, even if one of them gives commands', () => {
    const stage = new Stage('ada')
    const { conferences } = stage.member(0)
    const first: ConferenceNews['kind'][] = []
    const second: ConferenceNews['kind'][] = []
    const answers: unknown[] = []
    conferences.events$.subscribe(({ kind }) => {
      first.push(kind)
      if (kind === 'opened') {
        answers.push(conferences.setTitle(0, 'ours'), conferences.say(0, ''), conferences.get(0)?.title)
      }
    })
    conferences.events$.subscribe(({ kind }) => second.push(kind))
    expect(conferences.create()).toBe(0)
    expect(answers).toEqual([null, 'empty', 'ours'])
    expect(first).toEqual(['opened', 'connected', 'title'])
    expect(second).toEqual(first)
  })

  it('asks to be saved when members, numbers or messages change, and when it leaves', () => {
    const stage = new Stage('ada', 'ben')
    const { conferences } = stage.member(0)
    let asked = 0
    conferences.worthSaving$.subscribe(() => (asked += 1))
    stage.assemble()
    expect(asked).toBeGreaterThan(0)
    asked = 0
    stage.clock.advance(10_000)
    expect(asked).toBe(0)
    conferences.say(0, 'hello')
    expect(asked).toBe(1)
    conferences.leave(0)
    expect(asked).toBe(2)
    expect(conferences.list()).toEqual([])
  })

  it('does nothing more once it is disposed of', () => {
    const stage = new Stage('ada', 'ben')
    stage.assemble()
    const { conferences } = stage.member(0)
    let isComplete = false
    conferences.events$.subscribe({ complete: () => (isComplete = true) })
    conferences[Symbol.dispose]()
    expect(isComplete).toBe(true)
    const { machine } = conferences
    stage.clock.advance(500)
    expect(conferences.machine).toBe(machine)
  })
})
