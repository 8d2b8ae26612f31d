/** What /sync answers, as far as the scenarios look at it. */
export interface SyncAnswer {
  readonly next_batch: string
  readonly rooms?: {
    readonly join?: Readonly<
      Record<
        string,
        {
          readonly timeline: { readonly events: readonly TimelineEvent[] }
          readonly ephemeral: { readonly events: readonly ClientData[] }
        }
      >
    >
  }
  readonly account_data?: { readonly events: readonly ClientData[] }
}

/** What is not an event of the room's history: typing, receipts, account data. */
export interface ClientData {
  readonly type: string
  readonly content: Readonly<Record<string, unknown>>
}

/** An event in a room's timeline. */
export interface TimelineEvent {
  readonly event_id: string
  readonly type: string
  readonly sender: string
  readonly content: Readonly<Record<string, unknown>>
}

/** What a new room is like; by default anybody may join it, but no directory lists it. */
export interface CreateRoomOptions {
  readonly preset?: 'public_chat' | 'private_chat'
  readonly visibility?: 'public' | 'private'
  readonly invite?: readonly string[]
}

interface Credentials {
  readonly userId: string
  readonly accessToken: string
}

const CLIENT_API = '/_matrix/client/r0'

/** A logged in user of a homeserver, who acts through the HTTP API of one of its processes. */
export class MatrixUser {
  static #transactions = 0

  readonly userId: string
  readonly accessToken: string
  readonly baseUrl: string

  private constructor(baseUrl: string, credentials: Credentials) {
    this.baseUrl = baseUrl
    this.userId = credentials.userId
    this.accessToken = credentials.accessToken
  }

  /** Makes a new account; only the main process can. */
  static async register(baseUrl: string, username: string): Promise<MatrixUser> {
    const answer = await call<{ user_id: string; access_token: string }>(
      ...(['POST', baseUrl, '/register', undefined] as const),
      { username, password: `password of ${username}`, auth: { type: 'm.login.dummy' } },
    )
    return new MatrixUser(baseUrl, { userId: answer.user_id, accessToken: answer.access_token })
  }

  /** The same user through another process, such as a worker. */
  through(baseUrl: string): MatrixUser {
    return new MatrixUser(baseUrl, this)
  }

  /** Creates a room and gives its id. */
  async createRoom(options: CreateRoomOptions = {}): Promise<string> {
    const body = { preset: 'public_chat', ...options }
    return (await this.request<{ room_id: string }>('POST', '/createRoom', body)).room_id
  }

  async join(roomId: string): Promise<void> {
    await this.request('POST', `/rooms/${encodeURIComponent(roomId)}/join`, {})
  }

  /** Sends a text message and gives its event id. */
  async sendMessage(roomId: string, text: string): Promise<string> {
    MatrixUser.#transactions += 1
    const transaction = `${process.pid}-${MatrixUser.#transactions}`
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${transaction}`
    return (await this.request<{ event_id: string }>('PUT', path, { msgtype: 'm.text', body: text })).event_id
  }

  async setPresence(presence: 'online' | 'unavailable' | 'offline', status?: string): Promise<void> {
    const body = { presence, ...(status !== undefined && { status_msg: status }) }
    await this.request('PUT', `/presence/${encodeURIComponent(this.userId)}/status`, body)
  }

  async setTyping(roomId: string, typing: boolean): Promise<void> {
    const path = `/rooms/${encodeURIComponent(roomId)}/typing/${encodeURIComponent(this.userId)}`
    await this.request('PUT', path, typing ? { typing, timeout: 30_000 } : { typing })
  }

  /** Marks everything up to this event as read. */
  async sendReceipt(roomId: string, eventId: string): Promise<void> {
    const path = `/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`
    await this.request('POST', path, {})
  }

  /** Stores data of this user, in one room or for all of the account. */
  async setAccountData(type: string, content: object, roomId?: string): Promise<void> {
    const room = roomId === undefined ? '' : `/rooms/${encodeURIComponent(roomId)}`
    await this.request('PUT', `/user/${encodeURIComponent(this.userId)}${room}/account_data/${type}`, content)
  }

  async setTag(roomId: string, tag: string, content: object = {}): Promise<void> {
    const user = `/user/${encodeURIComponent(this.userId)}`
    await this.request('PUT', `${user}/rooms/${encodeURIComponent(roomId)}/tags/${tag}`, content)
  }

  /** Sends a message to all devices of a user. */
  async sendToDevice(userId: string, type: string, content: object): Promise<void> {
    MatrixUser.#transactions += 1
    const path = `/sendToDevice/${type}/${process.pid}-${MatrixUser.#transactions}`
    await this.request('PUT', path, { messages: { [userId]: { '*': content } } })
  }

  /** Adds a push rule that never fires. */
  async addPushRule(name: string): Promise<void> {
    await this.request('PUT', `/pushrules/global/content/${name}`, {
      pattern: name,
      actions: ['dont_notify'],
    })
  }

  /** Asks for everything, or for what is new since an earlier answer, waiting up to `timeoutMs` for it. */
  sync(options: { readonly since?: string; readonly timeoutMs?: number } = {}): Promise<SyncAnswer> {
    const query = new URLSearchParams({ timeout: String(options.timeoutMs ?? 0) })
    if (options.since !== undefined) query.set('since', options.since)
    return this.request<SyncAnswer>('GET', `/sync?${query.toString()}`)
  }

  /** Syncs on until the event is in the room's timeline, and gives the last answer's `next_batch`. */
  async syncUntil(roomId: string, eventId: string, since?: string, deadlineMs = 30_000): Promise<string> {
    const end = performance.now() + deadlineMs
    let position = since
    while (performance.now() < end) {
      const timeoutMs = position === undefined ? 0 : 2000
      const answer = await this.sync({ timeoutMs, ...(position !== undefined && { since: position }) })
      position = answer.next_batch
      const events = answer.rooms?.join?.[roomId]?.timeline.events ?? []
      if (events.some((event) => event.event_id === eventId)) return position
    }
    throw new Error(`${eventId} did not come to ${this.userId} within ${deadlineMs} ms`)
  }

  /** Any other call of the client API: `path` begins after `/_matrix/client/r0`. */
  request<T = object>(method: string, path: string, body?: object): Promise<T> {
    return call<T>(method, this.baseUrl, path, this.accessToken, body)
  }
}

async function call<T>(
  method: string,
  baseUrl: string,
  path: string,
  accessToken: string | undefined,
  body?: object,
): Promise<T> {
  const response = await fetch(`${baseUrl}${CLIENT_API}${path}`, {
    method,
    signal: AbortSignal.timeout(30_000),
    ...(accessToken !== undefined && { headers: { authorization: `Bearer ${accessToken}` } }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return JSON.parse(text) as T
}
