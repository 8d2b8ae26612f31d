/**
 * Who is syncing on which of a relay's clients. Upstream all of them are one connection, so a user counts as gone
 * when the last of them says so.
 */
export class UserSyncs {
  readonly #byUser = new Map<string, Set<string>>()

  /** @returns whether the user is the first of his name */
  start(user: string, client: string): boolean {
    const clients = this.#byUser.get(user) ?? new Set()
    this.#byUser.set(user, clients)
    clients.add(client)
    return clients.size === 1
  }

  /** @returns whether the user syncs nowhere any more */
  end(user: string, client: string): boolean {
    const clients = this.#byUser.get(user)
    if (clients?.delete(client) !== true || clients.size > 0) return false
    this.#byUser.delete(user)
    return true
  }

  /** @returns who syncs nowhere any more, now that a client has gone */
  clear(client: string): string[] {
    return [...this.#byUser.keys()].filter((user) => this.end(user, client))
  }
}
