import { Buffer } from 'node:buffer'
import { addressOf, parseAddress } from '../wire/address.js'
import type { NostrEvent } from '../wire/event.js'
import { isHex64 } from '../wire/hex.js'
import { kindClass, kinds } from '../wire/kinds.js'
import {
  addressKey,
  deletedAddressKey,
  deletedIdKey,
  eventKey,
  goneKey,
  goneKindPrefix,
  indexKeys,
  ownAddressKey,
  placeKey,
  placeOf,
  timeAt,
  timeKey,
} from './keys.js'
import type { Table } from './table.js'
import type { PutOutcome, StoreChange } from './types.js'

const nothing = Buffer.alloc(0)

/** Puts events into a table, within one transaction: what is replaced goes, what was deleted stays away. */
export class EventWriter {
  readonly #table: Table
  /** What to tell once the transaction is durable. */
  readonly changes: StoreChange[] = []
  /** What was replaced or deleted, also such that was so already when it came. */
  readonly gone: NostrEvent[] = []

  constructor(table: Table) {
    this.#table = table
  }

  put(event: NostrEvent): PutOutcome {
    if (event.kind === kinds.auth || kindClass(event.kind) === 'ephemeral') return 'not-stored'
    if (this.#table.get(eventKey(event.id)) !== undefined) return 'duplicate'
    if (this.#isDeleted(event)) return this.#stayAway(event, 'deleted')
    const own = ownAddressKey(event)
    if (own !== null) {
      const current = this.#current(own)
      const mine = placeKey({ createdAt: event.created_at, id: event.id })
      // In the order of places the one to keep comes first.
      if (current !== null && Buffer.compare(placeKey(placeAt(current)), mine) < 0)
        return this.#stayAway(event, 'superseded')
      if (current !== null) this.#remove(current, 'superseded')
      this.#table.put(own, mine)
    }
    this.#table.put(eventKey(event.id), Buffer.from(JSON.stringify(event)))
    for (const key of indexKeys(event)) this.#table.put(key, nothing)
    this.changes.push({ kind: 'saved', event })
    if (event.kind === kinds.deletion) this.#delete(event)
    return 'saved'
  }

  /** Carries out a request (R86): only its author's events go, and of an address only versions up to then. */
  #delete({ tags, pubkey, created_at }: NostrEvent): void {
    for (const [name, value = ''] of tags) {
      if (name === 'e' && isHex64(value)) {
        this.#table.put(deletedIdKey(value, pubkey), nothing)
        const target = this.#stored(value)
        if (target?.pubkey === pubkey && target.kind !== kinds.deletion) this.#remove(target, 'deleted')
      }
      if (name === 'a' && parseAddress(value)?.pubkey === pubkey) {
        const key = deletedAddressKey(value)
        const before = this.#table.get(key)
        if (before === undefined || timeAt(before, 0) < created_at) this.#table.put(key, timeKey(created_at))
        const target = this.#current(addressKey(value))
        if (target !== null && target.created_at <= created_at) this.#remove(target, 'deleted')
      }
    }
  }

  /** Requests to delete requests are of no effect (NIP-09). */
  #isDeleted(event: NostrEvent): boolean {
    if (event.kind === kinds.deletion) return false
    if (this.#table.get(deletedIdKey(event.id, event.pubkey)) !== undefined) return true
    const address = addressOf(event)
    const until = address === null ? undefined : this.#table.get(deletedAddressKey(address))
    return until !== undefined && event.created_at <= timeAt(until, 0)
  }

  #remove(event: NostrEvent, why: 'superseded' | 'deleted'): void {
    this.#table.remove(eventKey(event.id))
    for (const key of indexKeys(event)) this.#table.remove(key)
    const own = ownAddressKey(event)
    if (own !== null) this.#table.remove(own)
    this.#stayAway(event, why)
    this.changes.push({ kind: 'removed', event, why })
  }

  /** Leaves behind what a reconciliation has to know of an event that is not stored (R97). */
  #stayAway(event: NostrEvent, why: 'superseded' | 'deleted'): 'superseded' | 'deleted' {
    const place = placeKey({ createdAt: event.created_at, id: event.id })
    this.gone.push(event)
    this.#table.put(goneKey(event.id), nothing)
    this.#table.put(Buffer.concat([goneKindPrefix(event.kind), place]), Buffer.from(event.pubkey, 'hex'))
    return why
  }

  #current(address: Buffer): NostrEvent | null {
    const place = this.#table.get(address)
    return place === undefined ? null : this.#stored(placeOf(place).id)
  }

  #stored(id: string): NostrEvent | null {
    const json = this.#table.get(eventKey(id))
    return json === undefined ? null : (JSON.parse(json.toString()) as NostrEvent)
  }
}

function placeAt(event: NostrEvent) {
  return { createdAt: event.created_at, id: event.id }
}
