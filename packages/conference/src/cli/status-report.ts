import type { ToxClient } from '../client/tox-client.js'
import type { ConferenceView, MemberView } from '../conferences/conference-view.js'
import { addressText } from '../tox/dht/address.js'
import type { RealKey } from '../wire/identity.js'

/** What `status` asks for. */
export interface StatusReport {
  readonly toxId: string
  readonly name: string
  /** `null` for a profile as it is on disk. */
  readonly network: { readonly address: string | null; readonly linksUp: number } | null
  readonly friends: readonly {
    readonly realKey: RealKey
    readonly name: string
    readonly isOnline: boolean
  }[]
  readonly conferences: readonly ConferenceView[]
}

/** Reports where a running client stands. */
export function reportStatus({ node, friends, conferences }: ToxClient): StatusReport {
  const { address } = node
  return {
    toxId: node.toxId,
    name: node.friends.profile.name,
    network: { address: address && addressText(address), linksUp: node.linksUp },
    friends: Array.from(friends.values(), ({ realKey, name }) => ({
      realKey,
      name,
      isOnline: node.friends.all.get(realKey)?.isOnline ?? false,
    })),
    conferences: conferences.list(),
  }
}

/** The report for people. */
export function describeStatus({ toxId, name, network, friends, conferences }: StatusReport): string {
  const where = network ? `at ${network.address ?? 'no UDP port'}, ${network.linksUp} links` : 'as saved'
  const online = friends.filter(({ isOnline }) => isOnline).length
  return [
    `${shown(name, toxId)}: ${where}`,
    `Tox ID ${toxId}`,
    `friends: ${friends.length}, ${online} online`,
    ...conferences.flatMap((conference) => [
      `conference ${conference.conference} ${conference.title === '' ? conference.identifier : conference.title}: ` +
        `${conference.phase}, ${conference.connections} connections`,
      ...conference.members.map((member) => `  ${describeMember(member)}`),
    ]),
  ].join('\n')
}

/** A member in a line: who, and since when frozen. */
export function describeMember({ name, realKey, frozen }: MemberView): string {
  const who = shown(name, realKey)
  return frozen ? `${who}, frozen since ${clockTime(frozen.since)} (${frozen.why})` : who
}

/** A name, or what there is instead; nothing in it can move a terminal's cursor. */
export function shown(name: string, key: string): string {
  const plain = printable(name)
  return plain === '' ? key.slice(0, 8) : plain
}

/** Text of others without control characters: a terminal would obey them. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, ' ').trim()
}

/** Hours and minutes here, with the date if that is another day than one reads it on. */
export function clockTime(at: number): string {
  return new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'short' }).format(at)
}
