import { styleText } from 'node:util'
import type { ToxClient } from '../../client/tox-client.js'
import { listenTo } from '../../conferences/listen-to.js'
import type { RefusedWhy } from '../../group/events.js'
import type { Invitation } from '../../group/types.js'
import type { ConferenceIdentifier } from '../../wire/identity.js'
import { friendKey, hostPort } from '../addresses.js'
import { describeMember, printable, shown } from '../status-report.js'
import { messageLine, newsLine } from './news-lines.js'
import type { Screen } from './screen.js'

const help = [
  '/who                  who is here, and who is frozen since when',
  '/history [N]          what was said before',
  '/search WORDS         messages that have all the words',
  '/me TEXT              do something',
  '/nick NAME            be called something else',
  '/title TITLE          give the conference another title',
  '/friends              friends, and whether they are online',
  '/friend ID [KEY HOST:PORT]  make somebody a friend; KEY is its DHT key, if you know it',
  '/invite NAME          ask a friend in; a name, or the beginning of a key',
  '/join                 take up the last invitation',
  '/create               open a conference of your own',
  '/switch [N]           talk in another conference',
  '/leave                leave this conference for good',
  '/quit                 end; the others know you as frozen until you are back',
]

const refused: Readonly<Record<RefusedWhy, string>> = {
  'no-such-conference': 'there is no conference here: /create one, or be invited',
  'no-such-invitation': 'there is no invitation',
  'no-such-friend': 'no friend of yours who is online',
  'known-already': 'you are in it already',
  'no-connection': 'nobody can hear you: no connection of this conference is up',
  'too-long': 'that is too long: 1363 bytes of text, 128 of a name or title',
  empty: 'there is nothing in it',
  'no-identifier': 'that is no identifier',
  'no-limit': 'that is no limit',
  'too-many': 'there are too many conferences',
  closed: 'this program is closing: start it again',
}

/** What the user of a chat sees and does. */
export class Room {
  readonly #client: ToxClient
  readonly #screen: Screen
  #current = 0
  #scrolledTo: number | null = null

  constructor(client: ToxClient, screen: Screen) {
    this.#client = client
    this.#screen = screen
    const { conferences, messages$, news$ } = client
    listenTo(messages$, (message) => {
      const other = message.conference === this.#current ? '' : `[${message.conference}] `
      screen.print(`${other}${messageLine(message)}`)
    })
    listenTo(conferences.events$, (news) => {
      const line = newsLine(news, conferences)
      if (line !== null) screen.print(styleText('dim', `-- ${line}`))
      if (news.kind === 'title' && news.conference === this.#current) this.#prompt()
    })
    listenTo(news$, (news) => {
      if (news.kind === 'friend' && news.changed === 'isOnline') {
        const { name, realKey, isOnline } = news.friend
        this.#say(`friend ${shown(name, realKey)} is ${isOnline ? 'online' : 'offline'}`)
      } else if (news.kind === 'message') {
        const name = client.friends.get(news.from)?.name ?? ''
        screen.print(`(to you alone) ${shown(name, news.from)}: ${printable(news.text)}`)
      }
    })
  }

  /** Says where we are, and what was said last. */
  begin(): void {
    const { node } = this.#client
    this.#say(
      `your Tox ID: ${node.toxId}`,
      `your node: ${node.dhtKey} at ${node.address?.port ?? 'no'} UDP`,
      '/help',
    )
    this.#enter(this.#client.conferences.list()[0]?.conference ?? 0)
  }

  /** Does what was typed. Returns whether to go on. */
  typed(line: string): boolean {
    if (!line.startsWith('/')) {
      this.#tell(this.#client.conferences.say(this.#current, line))
      return true
    }
    const [, command = '', rest = ''] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? []
    if (command === 'quit') return false
    const act = this.#commands[command]
    if (act) act(rest.trim())
    else this.#say(`there is no /${printable(command)}: /help says what there is`)
    return true
  }

  readonly #commands: Readonly<Record<string, ((rest: string) => void) | undefined>> = {
    help: () => this.#screen.print(...help),
    who: () => this.#who(),
    history: (rest) => this.#history(Number(rest) || 20),
    search: (rest) => this.#search(rest),
    me: (rest) => this.#tell(this.#client.conferences.act(this.#current, rest)),
    nick: (rest) => this.#rename(rest),
    title: (rest) => this.#tell(this.#client.conferences.setTitle(this.#current, rest)),
    friends: () => this.#friends(),
    friend: (rest) => this.#befriend(rest),
    invite: (rest) => this.#invite(rest),
    join: () => this.#join(),
    create: () => this.#create(),
    switch: (rest) => this.#switch(rest),
    leave: () => this.#leave(),
  }

  #who(): void {
    const conference = this.#client.conferences.get(this.#current)
    if (!conference) {
      this.#tell('no-such-conference')
      return
    }
    const live = conference.members.filter(({ frozen }) => frozen === null).length
    this.#say(
      `${conference.connections} connections, ${live + 1} here`,
      ...conference.members.map(describeMember),
    )
  }

  #history(limit: number): void {
    const of = this.#identifier()
    if (of === null) {
      this.#tell('no-such-conference')
      return
    }
    const page = this.#client.messages.page(of, {
      limit,
      ...(this.#scrolledTo !== null && { before: this.#scrolledTo }),
    })
    this.#scrolledTo = page[0]?.position ?? this.#scrolledTo
    this.#screen.print(
      ...page.map(messageLine),
      styleText('dim', page.length === 0 ? '-- nothing before' : '--'),
    )
  }

  #search(words: string): void {
    const of = this.#identifier()
    if (of === null) {
      this.#tell('no-such-conference')
      return
    }
    const found = this.#client.messages.search(of, words, { limit: 20 })
    this.#screen.print(...found.toReversed().map(messageLine))
    this.#say(`${found.length} found`)
  }

  #rename(name: string): void {
    const why = this.#client.rename(name)
    if (why === null) this.#say(`you are called ${printable(name)}`)
    else this.#tell(why)
  }

  #friends(): void {
    const { friends, node } = this.#client
    const lines = Array.from(friends.values(), ({ realKey, name }) => {
      const isOnline = node.friends.all.get(realKey)?.isOnline ?? false
      return `${shown(name, realKey)} ${realKey.slice(0, 8)} ${isOnline ? 'online' : 'offline'}`
    })
    this.#say(...(lines.length > 0 ? lines : ['no friends yet: /friend']))
  }

  #befriend(rest: string): void {
    const [id = '', dhtKey, address] = rest.split(/\s+/)
    try {
      const realKey = friendKey(id)
      const at =
        dhtKey === undefined
          ? undefined
          : { dhtKey, ...(address !== undefined && { address: hostPort(address) }) }
      this.#client.befriend(realKey, at)
      this.#say(`${realKey.slice(0, 8)} is a friend; it has to make you one, too`)
    } catch (cause) {
      this.#say(cause instanceof Error ? cause.message : String(cause))
    }
  }

  #invite(who: string): void {
    const friends = [...this.#client.friends.values()].filter(
      ({ realKey, name }) => name === who || (who.length >= 4 && realKey.startsWith(who.toLowerCase())),
    )
    const [friend] = friends
    if (!friend || friends.length > 1) {
      this.#say(
        friend ? 'several friends are called so: give the beginning of a key' : 'no such friend: /friends',
      )
      return
    }
    this.#tell(this.#client.conferences.invite(this.#current, friend.realKey), 'asked')
  }

  #join(): void {
    const { conferences } = this.#client
    const last: Invitation | undefined = conferences.machine.invitations.at(-1)
    if (!last) {
      this.#tell('no-such-invitation')
      return
    }
    this.#tell(conferences.accept(last.from, last.identifier))
    this.#enter(conferences.find(last.identifier) ?? this.#current)
  }

  #create(): void {
    const number = this.#client.conferences.create()
    if (number === null) this.#tell(this.#client.conferences.isClosed ? 'closed' : 'too-many')
    else this.#enter(number)
  }

  #switch(rest: string): void {
    const all = this.#client.conferences.list()
    const chosen = all.find(({ conference }) => rest !== '' && conference === Number(rest))
    if (chosen) {
      this.#enter(chosen.conference)
      return
    }
    const lines = all.map(({ conference, title, identifier }) => `${conference} ${shown(title, identifier)}`)
    this.#say(...(lines.length > 0 ? lines : ['you are in no conference']))
  }

  #leave(): void {
    this.#tell(this.#client.conferences.leave(this.#current), 'you have left')
    this.#enter(this.#client.conferences.list()[0]?.conference ?? 0)
  }

  #enter(conference: number): void {
    this.#current = conference
    this.#scrolledTo = null
    this.#prompt()
    if (this.#identifier() === null) return
    this.#history(20)
    this.#who()
  }

  #prompt(): void {
    const found = this.#client.conferences.get(this.#current)
    this.#screen.ask(found ? `${shown(found.title, found.identifier)}> ` : '> ')
  }

  #identifier(): ConferenceIdentifier | null {
    return this.#client.conferences.get(this.#current)?.identifier ?? null
  }

  #tell(why: RefusedWhy | null, done?: string): void {
    if (why !== null) this.#say(refused[why])
    else if (done !== undefined) this.#say(done)
  }

  #say(...lines: readonly string[]): void {
    this.#screen.print(...lines.map((line) => styleText('dim', `-- ${line}`)))
  }
}
