import { styleText } from 'node:util'
import type { Conferences } from '../../conferences/conferences.js'
import type { ConferenceNews, FrozenBecause, ThawedBy } from '../../group/events.js'
import type { LoggedMessage } from '../../history/message-log.js'
import type { RealKey } from '../../wire/identity.js'
import { clockTime, printable, shown } from '../status-report.js'

/** A message in a line of a chat. */
export function messageLine({ name, from, text, as, at, isOurs, isLate }: LoggedMessage): string {
  const who = styleText(isOurs ? 'cyan' : 'green', shown(name, from))
  const late = isLate ? styleText('yellow', ' (missed)') : ''
  const said = as === 'action' ? `* ${who} ${printable(text)}` : `${who}: ${printable(text)}`
  return `${styleText('dim', clockTime(at).slice(11))}${late} ${said}`
}

const frozen: Readonly<Record<FrozenBecause, string>> = {
  silent: 'was not heard of for a minute: frozen',
  'no-connection': 'is frozen: no connection of ours is left',
  'said-so': 'has closed its program: frozen',
  restored: 'is frozen since the last start',
}

const thawed: Readonly<Record<ThawedBy, string>> = {
  message: 'is back',
  rejoin: 'is back, and asks us in',
  'new-peer': 'is back, as others say',
  invitation: 'is back by an invitation',
}

/** What happened in a line for people; `null` for what they need not know. */
export function newsLine(news: ConferenceNews, conferences: Conferences): string | null {
  const name = (conference: number, realKey: RealKey): string => {
    if (realKey === conferences.machine.realKey) return 'you'
    const members = conferences.get(conference)?.members ?? []
    return shown(members.find((member) => member.realKey === realKey)?.name ?? '', realKey)
  }
  switch (news.kind) {
    case 'invited':
      return `${news.from.slice(0, 8)} invites you to ${news.identifier.slice(0, 10)}…: /join`
    case 'opened':
      return `conference ${news.conference} is open: /switch ${news.conference}`
    case 'connected':
      return 'you are in'
    case 'gave-up':
      return 'nobody let you in; ask to be invited again'
    case 'title':
      return `the title is ${printable(news.title)}${news.by === null ? '' : `, by ${name(news.conference, news.by)}`}`
    case 'title-conflict':
      return `${name(news.conference, news.from)} holds the title to be ${printable(news.title)}; yours stays`
    case 'name':
      return `${news.of.slice(0, 8)} is called ${printable(news.name)}`
    case 'joined':
      return `${name(news.conference, news.who)} has come`
    case 'frozen':
      return `${name(news.conference, news.who)} ${frozen[news.why as FrozenBecause]}`
    case 'thawed':
      return `${name(news.conference, news.who)} ${thawed[news.by]}`
    case 'left':
      return `${news.who.slice(0, 8)} has left`
    case 'forgotten':
      return `${news.who.slice(0, 8)} was away too long and is forgotten`
    case 'number-clash':
      return `${name(news.conference, news.who)} has the number of another member: one of them must leave and come again`
    case 'spoofed':
      return `a message in your name that you did not write came by ${name(news.conference, news.via)}; it was dropped`
    case 'full':
      return 'the conference has as many members as are taken'
    case 'message':
    case 'datagram':
    case 'sent':
    case 'echoed':
    case 'catch-up':
      return null
  }
}
