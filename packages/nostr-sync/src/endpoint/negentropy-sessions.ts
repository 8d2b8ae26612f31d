import type { Filter } from '../wire/filter.js'
import { NegentropyError } from '../wire/negentropy/errors.js'
import { negentropyFromHex, negentropyToHex } from '../wire/negentropy/hex.js'
import type { NegentropyItems } from '../wire/negentropy/items.js'
import { NegentropyResponder } from '../wire/negentropy/reconciliation.js'
import type { Client } from './client.js'

interface Session {
  /** Null while they are being collected. */
  items: NegentropyItems | null
  responder: NegentropyResponder | null
  usedAt: number
}

/** How long a client may take over its next message, in milliseconds. */
const idleMs = 60_000

/** The reconciliations of one client (NIP-77): we are the side that is asked. */
export class NegentropySessions {
  readonly #client: Client
  readonly #open = new Map<string, Session>()

  constructor(client: Client) {
    this.#client = client
    client.scope.defer(() => {
      for (const id of [...this.#open.keys()]) this.close(id)
    })
    client.scope.sweep(idleMs / 4, () => {
      for (const [id, { usedAt, responder }] of this.#open)
        if (responder !== null && this.#now() - usedAt > idleMs)
          this.#end(id, 'closed: nothing heard for a minute')
    })
  }

  /** NEG-OPEN; one of the same id is replaced. */
  async open(id: string, filter: Filter, message: string): Promise<void> {
    this.close(id)
    const { limits, reconciliations, stats, env } = this.#client.shared
    if (this.#open.size >= limits.negentropySessions) {
      this.#refuse(id, 'error: too many reconciliations at once; close some')
      return
    }
    const session: Session = { items: null, responder: null, usedAt: this.#now() }
    this.#open.set(id, session)
    stats.negentropySessions++
    const isWanted = (): boolean => this.#open.get(id) === session
    try {
      const items = await reconciliations.collect(filter, isWanted)
      if (items === 'too-many')
        this.#end(id, 'blocked: too many query results', limits.negentropyItems, session)
      else if (items === 'busy')
        this.#end(id, 'closed: too many reconciliations of others; try again', null, session)
      else if (items !== null) {
        session.items = items
        session.responder = new NegentropyResponder(items, { frameLimit: limits.negentropyFrameBytes })
        this.message(id, message)
      }
    } catch (cause) {
      env.log.error({ err: cause, link: this.#client.scope.link.id }, 'a reconciliation could not be begun')
      this.#end(id, 'error: could not read what is stored', null, session)
    }
  }

  /** NEG-MSG. */
  message(id: string, message: string): void {
    const session = this.#open.get(id)
    if (session === undefined) {
      this.#refuse(id, 'closed: unknown subscription handle')
      return
    }
    if (session.responder === null) {
      this.#end(id, 'error: a message before the first one was answered')
      return
    }
    session.usedAt = this.#now()
    try {
      const answer = session.responder.reconcile(negentropyFromHex(message))
      this.#client.send({ kind: 'neg-msg', subscription: id, message: negentropyToHex(answer) })
    } catch (error) {
      if (!(error instanceof NegentropyError)) throw error
      this.#end(id, `error: ${error.message}`)
    }
  }

  /** NEG-CLOSE. */
  close(id: string): void {
    const session = this.#open.get(id)
    if (session === undefined) return
    this.#open.delete(id)
    const { stats, reconciliations } = this.#client.shared
    stats.negentropySessions--
    if (session.items !== null) reconciliations.release(session.items)
  }

  /** Ends all of them by NEG-ERR. */
  closeAll(text: string): void {
    for (const id of [...this.#open.keys()]) this.#end(id, text)
  }

  /** @param only - end that session, not another one that has got its id meanwhile */
  #end(id: string, text: string, max: number | null = null, only = this.#open.get(id)): void {
    if (this.#open.get(id) !== only) return
    this.close(id)
    this.#refuse(id, text, max)
  }

  #refuse(id: string, text: string, max: number | null = null): void {
    this.#client.send({ kind: 'neg-err', subscription: id, text, max })
  }

  #now(): number {
    return this.#client.shared.env.clock.now()
  }
}
