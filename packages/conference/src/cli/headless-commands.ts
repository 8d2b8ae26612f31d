import { z } from 'zod'
import type { ToxClient } from '../client/tox-client.js'
import type { ConferenceView } from '../conferences/conference-view.js'
import type { RefusedWhy } from '../group/events.js'
import { parseToxId } from '../tox/crypto/tox-id.js'
import type { SayRefused } from '../tox/friends/friends.js'
import { reportStatus } from './status-report.js'

// What is wrong is said as what the field must be, after its name.
const key = matching(/^[0-9a-f]{64}$/, 'must be a public key of 64 lower-case hexadecimal digits')
const anIdentifier = 'an identifier of 66 lower-case hexadecimal digits'
const identifierPattern = /^0[01][0-9a-f]{64}$/
const identifier = matching(identifierPattern, `must be ${anIdentifier}`)
const aConference = `must be a number of this run, or ${anIdentifier}`
/** By its identifier, or by the number that it has in this run. */
const conference = z.union(
  [whole(0, Number.MAX_SAFE_INTEGER, aConference), matching(identifierPattern, aConference)],
  { error: aConference },
)
const id = z.union([z.string(), z.number()], { error: 'must be a text or a number' }).exactOptional()
const text = z.string({ error: 'must be a text' })
const position = whole(0, Number.MAX_SAFE_INTEGER, 'must be a whole number from 0').exactOptional()
const limit = whole(1, 1000, 'must be a whole number from 1 to 1000').exactOptional()
const page = { before: position, after: position, limit }
const type = z.enum(['text', 'audio'], { error: 'must be "text" or "audio"' }).exactOptional()
const place = z.strictObject(
  {
    host: z.union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' }),
    port: whole(1, 65_535, 'must be a port from 1 to 65535'),
  },
  { error: 'must be {"host":IP,"port":N}' },
)

const commandSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('create'), id, type }),
  z.strictObject({ do: z.literal(['accept', 'decline']), id, from: key, identifier }),
  z.strictObject({ do: z.literal('invite'), id, conference, friend: key }),
  z.strictObject({ do: z.literal(['say', 'act']), id, conference, text }),
  z.strictObject({ do: z.literal('title'), id, conference, title: text }),
  z.strictObject({ do: z.literal('leave'), id, conference }),
  z.strictObject({ do: z.literal('page'), id, conference, ...page }),
  z.strictObject({ do: z.literal('search'), id, conference, words: text, ...page }),
  z.strictObject({ do: z.literal('name'), id, name: text }),
  z.strictObject({
    do: z.literal('befriend'),
    id,
    /** A Tox ID or a public key. */
    friend: z.string({ error: 'must be a Tox ID of 76, or a public key of 64 hexadecimal digits' }),
    /** Which node is the friend's, and where, as its own `ready` tells. */
    dhtKey: key.exactOptional(),
    address: place.exactOptional(),
  }),
  z.strictObject({ do: z.literal('unfriend'), id, friend: key }),
  z.strictObject({ do: z.literal('message'), id, friend: key, text }),
  z.strictObject({ do: z.literal('list'), id }),
  z.strictObject({ do: z.literal('close'), id }),
])

type HeadlessCommand = z.output<typeof commandSchema>

const commandNames = commandSchema.options.flatMap(({ shape }) => [...shape.do.values])

function matching(pattern: RegExp, error: string): z.ZodString {
  return z.string({ error }).regex(pattern, { error })
}

function whole(least: number, most: number, error: string): z.ZodInt {
  return z.int({ error }).min(least, { error }).max(most, { error })
}

/** What came in was no command; `id` is the request's, if it could be read. */
export interface BadCommand {
  readonly id: string | number | null
  readonly why: string
}

/** Reads a line of input. */
export function parseCommand(line: string): HeadlessCommand | BadCommand {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    return { id: null, why: 'not JSON' }
  }
  const parsed = commandSchema.safeParse(json)
  if (parsed.success) return parsed.data
  const given = z.looseObject({ id }).safeParse(json)
  return { id: given.data?.id ?? null, why: parsed.error.issues.flatMap(problemsOf).join('; ') }
}

/** What is wrong with a command, by field; there are more than one only if fields are unknown. */
function problemsOf(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => `${[...path, name].join('.')}: there is no such field`)
  }
  if (path.length === 0) return ['a command is an object, such as {"do":"list"}']
  if (path[0] === 'do') return [`do: must be one of ${commandNames.join(', ')}`]
  return [`${path.join('.')}: ${issue.message}`]
}

/** What a command came to: something to tell besides `ok`, or why it was not done. */
export type Outcome = { readonly result: object } | { readonly why: string }

/** Does what a command says. */
export function doCommand(client: ToxClient, command: HeadlessCommand): Outcome {
  const { conferences, node } = client
  switch (command.do) {
    case 'create': {
      const number = conferences.create(command.type)
      if (number === null) return { why: conferences.isClosed ? 'closed' : 'too-many' }
      return { result: { conference: conferences.get(number) } }
    }
    case 'accept':
    case 'decline':
      return outcome(conferences[command.do](command.from, command.identifier))
    case 'name':
      return outcome(client.rename(command.name))
    case 'befriend':
      return befriend(client, command)
    case 'unfriend':
      client.unfriend(command.friend)
      return done
    case 'message':
      return outcome(node.friends.say(command.friend, command.text))
    case 'list':
      return { result: reportStatus(client) }
    case 'close':
      return done
    case 'invite':
    case 'say':
    case 'act':
    case 'title':
    case 'leave':
    case 'page':
    case 'search': {
      const { conference: which } = command
      const number = typeof which === 'number' ? which : conferences.find(which)
      const found = number === null ? null : conferences.get(number)
      if (!found) return { why: 'no-such-conference' }
      return doIn(client, found, command)
    }
  }
}

/** Does what a command says in a conference. */
function doIn(
  { conferences, messages }: ToxClient,
  { conference: number, identifier: of }: ConferenceView,
  command: Extract<HeadlessCommand, { readonly conference: unknown }>,
): Outcome {
  switch (command.do) {
    case 'invite':
      return outcome(conferences.invite(number, command.friend))
    case 'say':
    case 'act':
      return outcome(conferences[command.do](number, command.text))
    case 'title':
      return outcome(conferences.setTitle(number, command.title))
    case 'leave':
      return outcome(conferences.leave(number))
    case 'page':
      return { result: { messages: messages.page(of, command) } }
    case 'search':
      return { result: { messages: messages.search(of, command.words, command) } }
  }
}

const done: Outcome = { result: {} }

function outcome(refused: RefusedWhy | SayRefused | null): Outcome {
  return refused === null ? done : { why: refused }
}

function befriend(client: ToxClient, asked: Extract<HeadlessCommand, { readonly do: 'befriend' }>): Outcome {
  const { friend, dhtKey, address } = asked
  try {
    const realKey = /^[0-9a-f]{64}$/.test(friend) ? friend : parseToxId(friend).realKey
    client.befriend(realKey, dhtKey === undefined ? undefined : { dhtKey, ...(address && { address }) })
    return { result: { friend: realKey } }
  } catch (cause) {
    return { why: cause instanceof Error ? cause.message : String(cause) }
  }
}
