/** What users who sync may take, in bytes: some 300,000 of usual names. */
const usualBytes = 64 * 1024 * 1024
/** What one of them takes beside the names, about. */
const overheadBytes = 128

/** What has come of a user's start. */
export interface SyncStarted {
  /** Whether the user synced nowhere before. */
  readonly isFirst: boolean
  /** Who syncs nowhere any more, because room was needed. */
  readonly forgotten: readonly string[]
}

/**
 * Who is syncing on which of a relay's clients. Upstream all of them are one connection, so a user counts as gone
 * when the last of them says so.
 *
 * Bounded: in D2 nobody says that a process has died, and each has another name. Past the bound the users of the
 * client that was heard from longest ago are forgotten first, as if it had said that they ended.
 */
export class UserSyncs {
  readonly #mostBytes: number
  /** The client heard from longest ago comes first, and of its users the one that started first. */
  readonly #byClient = new Map<string, Set<string>>()
  /** On how many clients a user syncs. */
  readonly #places = new Map<string, number>()
  #bytes = 0

  constructor(mostBytes: number = usualBytes) {
    this.#mostBytes = mostBytes
  }

  /** A user starts syncing on a client. */
  start(user: string, client: string): SyncStarted {
    const users = this.#byClient.get(client) ?? new Set()
    this.#heardFrom(client, users)
    if (users.has(user)) return { isFirst: false, forgotten: [] }
    users.add(user)
    this.#bytes += bytesOf(user, client)
    const places = (this.#places.get(user) ?? 0) + 1
    this.#places.set(user, places)
    return { isFirst: places === 1, forgotten: this.#makeRoom() }
  }

  /** @returns whether the user syncs nowhere any more */
  end(user: string, client: string): boolean {
    const users = this.#byClient.get(client)
    if (users === undefined) return false
    this.#heardFrom(client, users)
    return this.#remove(user, client, users)
  }

  /** @returns who syncs nowhere any more, now that a client has gone */
  clear(client: string): string[] {
    const users = this.#byClient.get(client) ?? new Set()
    return [...users].filter((user) => this.#remove(user, client, users))
  }

  #heardFrom(client: string, users: Set<string>): void {
    this.#byClient.delete(client)
    this.#byClient.set(client, users)
  }

  #remove(user: string, client: string, users: Set<string>): boolean {
    if (!users.delete(user)) return false
    this.#bytes -= bytesOf(user, client)
    if (users.size === 0) this.#byClient.delete(client)
    const places = (this.#places.get(user) ?? 1) - 1
    if (places > 0) this.#places.set(user, places)
    else this.#places.delete(user)
    return places === 0
  }

  #makeRoom(): string[] {
    const gone: string[] = []
    for (const [client, users] of this.#byClient) {
      for (const user of users) {
        if (this.#bytes <= this.#mostBytes) return gone
        if (this.#remove(user, client, users)) gone.push(user)
      }
    }
    return gone
  }
}

function bytesOf(user: string, client: string): number {
  return user.length + client.length + overheadBytes
}
