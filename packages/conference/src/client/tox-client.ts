import { type Budget, FaultLog, OptionError } from '@holdfast/core'
import { type Observable, Subject } from 'rxjs'
import type { ConferenceMessage } from '../conferences/conference-message.js'
import type { Conferences } from '../conferences/conferences.js'
import { listenTo } from '../conferences/listen-to.js'
import type { RefusedWhy } from '../group/events.js'
import { conferenceMemories } from '../group/memory.js'
import { savedConferences } from '../group/save.js'
import type { MessageLog } from '../history/message-log.js'
import type { ProfileStore } from '../profile/profile-store.js'
import { cryptoReady } from '../tox/crypto/box.js'
import { canHaveOwner } from '../tox/crypto/public-key.js'
import { type ToxNode, toxNode } from '../tox/node.js'
import type { ToxNews, ToxNodeOptions } from '../tox/node-options.js'
import { newSavedFriend, renameSavedFriend, type SavedFriend } from '../wire/friends-section.js'
import type { RealKey } from '../wire/identity.js'
import { Autosave } from './autosave.js'
import { openKept } from './kept.js'

/** Options of {@link toxClient}: those of a node, and where it keeps what it must not forget. */
export interface ToxClientOptions extends Omit<ToxNodeOptions, 'secretKey' | 'nospam' | 'profile' | 'tell'> {
  /**
   * The Tox save file; other Tox software may have written it. Beside it are `PROFILE.memories`, and the directory
   * `PROFILE.messages`. One process at a time can use them.
   */
  readonly profile: string
  /** Makes the save file if it is not there, as {@link newProfile} does; without it that is an error. */
  readonly create?: () => Uint8Array
  /**
   * How much of what is said is kept on disk in each conference; see `MessageLogOptions`. 64 MiB are some 25,000 short messages.
   *
   * @defaultValue 64 MiB, however old
   */
  readonly keep?: Budget
}

/**
 * Starts a node with its profile: it is who it was, has the friends it had, and is in the conferences that it was in,
 * everybody frozen until heard of again (R24). Whatever must outlive a crash is saved as it happens.
 *
 * @throws (rejects) a `SaveFileError`, a `StoreError`, or what {@link toxNode} does
 * @example
 * ```ts no-run
 * import { once } from 'node:events'
 * import { toxClient } from '@holdfast/conference'
 * import { nodeEnv } from '@holdfast/core/node'
 *
 * await using client = await toxClient({ env: nodeEnv({ name: 'bot' }), profile: './bot.tox' })
 * const { conferences } = client
 * conferences.events$.subscribe((news) => {
 *   if (news.kind === 'invited') conferences.accept(news.from, news.identifier)
 * })
 * client.messages$.subscribe(({ conference, name, text, isOurs }) => {
 *   if (!isOurs) conferences.say(conference, `${name} said ${text}`)
 * })
 * await once(process, 'SIGTERM') // then `client` says goodbye and saves
 * ```
 */
export async function toxClient(options: ToxClientOptions): Promise<ToxClient> {
  const { profile, create, keep, env, ...network } = options
  if (profile === '') throw new OptionError('profile', 'the path of a file', profile)
  const wall = (): number => env.clock.wall()
  // `create` may make keys.
  await cryptoReady
  const { store, messages } = await openKept({
    profile,
    wall,
    ...(create && { create }),
    ...(keep && { keep }),
  })
  try {
    // From here on numbers are used that only the save file's reserve covers, should we crash.
    await store.saveMemories(store.memories.map((memory) => ({ ...memory, exact: null })))
    const { secretKey, nospam, name, statusMessage } = store.profile
    const news$ = new Subject<ToxNews>()
    const node = await toxNode({
      ...network,
      env,
      secretKey,
      nospam,
      profile: { name, statusMessage },
      tell: (each) => news$.next(each),
    })
    return new ToxClient({ env, node, store, messages, news$ })
  } catch (cause) {
    await messages.close()
    throw cause
  }
}

interface Parts {
  readonly env: ToxClientOptions['env']
  readonly node: ToxNode
  readonly store: ProfileStore
  readonly messages: MessageLog
  readonly news$: Subject<ToxNews>
}

/** A message and its place in the log of its conference; `null` if it could not be written. */
export interface KeptMessage extends ConferenceMessage {
  readonly position: number | null
}

/** A node with a memory; see {@link toxClient}. */
export class ToxClient implements AsyncDisposable {
  readonly node: ToxNode
  readonly conferences: Conferences
  /** What was said, in all conferences. */
  readonly messages: MessageLog
  readonly #parts: Parts
  readonly #friends = new Map<RealKey, SavedFriend>()
  readonly #kept$ = new Subject<KeptMessage>()
  readonly #autosave: Autosave
  readonly #keepFaults: FaultLog
  #closed: Promise<void> | null = null

  /** @internal */
  constructor(parts: Parts) {
    const { env, node, store, messages, news$ } = parts
    this.#parts = parts
    this.#autosave = new Autosave({
      clock: env.clock,
      write: () => this.#save(false),
      faults: new FaultLog(env.log, 'the profile could not be saved'),
    })
    this.#keepFaults = new FaultLog(env.log, 'messages could not be kept')
    this.node = node
    this.messages = messages
    this.conferences = node.conferences
    for (const friend of store.profile.friends) {
      this.#friends.set(friend.realKey, friend)
      // Whoever wrote the file may have had a friend that nobody can be: it stays in it.
      if (canHaveOwner(friend.realKey)) node.befriend(friend.realKey)
    }
    const { profile, memories } = store
    node.conferences.do({ kind: 'restore', conferences: profile.conferences, memories })
    listenTo(node.conferences.worthSaving$, () => this.#autosave.soon())
    listenTo(node.conferences.messages$, (message) => void this.#keep(message))
    listenTo(news$, (each) => {
      if (each.kind !== 'friend' || each.changed !== 'name') return
      const { realKey, name } = each.friend
      const friend = this.#friends.get(realKey)
      if (!friend || friend.name === name) return
      this.#friends.set(realKey, renameSavedFriend(friend, name))
      this.#autosave.soon()
    })
  }

  /**
   * What is said, by us too, once it is on disk, and each message once: what came again after a crash is left out. A
   * reader that remembers the last position it has seen goes on from there with `messages.page(…, { after })`.
   */
  get messages$(): Observable<KeptMessage> {
    return this.#kept$
  }

  /** What happens apart from conferences: friends, and the network. */
  get news$(): Observable<ToxNews> {
    return this.#parts.news$
  }

  /** Friends as they are kept: their names are those that were last heard. */
  get friends(): ReadonlyMap<RealKey, SavedFriend> {
    return this.#friends
  }

  /**
   * Makes a peer a friend, and remembers it. Once closed, it does nothing.
   *
   * @param at - which node is its, and where, as far as that is known
   * @throws an `OptionError` if it is no key, or our own, or if `at` can be nobody's
   */
  befriend(realKey: RealKey, at?: Parameters<ToxNode['befriend']>[1]): void {
    if (realKey === this.node.realKey) throw new OptionError('realKey', 'the key of somebody else', realKey)
    this.node.befriend(realKey, at)
    if (this.#closed || this.#friends.has(realKey)) return
    this.#friends.set(realKey, newSavedFriend(realKey))
    this.#autosave.soon()
  }

  /** Makes a friend one no more. Once closed, it does nothing. */
  unfriend(realKey: RealKey): void {
    if (this.#closed) return
    this.node.unfriend(realKey)
    if (this.#friends.delete(realKey)) this.#autosave.soon()
  }

  /** Has another name from now on, for friends and in all conferences: at most 128 bytes of UTF-8. `null` means done; `closed`, that nothing would be saved. */
  rename(name: string): RefusedWhy | null {
    const refused = this.node.rename(name)
    if (refused === null) this.#autosave.soon()
    return refused
  }

  /** Settles when all that has happened until now would survive a crash; or could not be saved, of which the log tells. */
  saved(): Promise<void> {
    return this.#autosave.now()
  }

  /** Tells members and friends that we go, ends the node, and saves. Again, it does nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** Says goodbye, saves, and closes everything. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { node, news$ } = this.#parts
    try {
      await node.close()
      await this.#autosave.stop()
      await this.#save(true)
    } finally {
      await this.messages.close()
      news$.complete()
      this.#kept$.complete()
    }
  }

  async #keep(message: ConferenceMessage): Promise<void> {
    const { identifier, from, name, isOurs, text, as, messageNumber, at, isLate } = message
    const kept = { from, name, isOurs, text, as, messageNumber, at, isLate }
    try {
      const position = await this.messages.append(identifier, kept)
      this.#keepFaults.worked()
      if (position !== null) this.#kept$.next({ ...message, position })
    } catch (failure) {
      this.#keepFaults.failed(failure)
      this.#kept$.next({ ...message, position: null })
    }
  }

  #save(isFinal: boolean): Promise<void> {
    const { node, store } = this.#parts
    const { machine } = node.conferences
    const { name } = node.friends.profile
    const conferences = savedConferences(machine)
    const friends = [...this.#friends.values()]
    return store.save({ name, friends, conferences }, conferenceMemories(machine, isFinal))
  }
}
