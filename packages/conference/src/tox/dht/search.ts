import type { Millis } from '@holdfast/core'
import type { DhtKey } from '../../wire/identity.js'
import { addressText } from './address.js'
import { keepNearest } from './nearest.js'
import type { NodeInfo } from './packed-nodes.js'

/** Nodes nearest to the wanted one that a search keeps, and asks. */
const mostCandidates = 8
/** How often a candidate is asked again. */
const askEveryMs = { searching: 1500, found: 20_000 }
/** A candidate that has not answered so often is dropped. */
const mostSilences = 3

interface Candidate extends NodeInfo {
  askedAt: Millis | null
  silences: number
}

/** The look-up of one node by its DHT key: ask the nearest that we know, then the nearer ones that they name. */
export class Search {
  readonly wanted: DhtKey
  #candidates: Candidate[] = []
  #foundAt: Millis | null = null

  constructor(wanted: DhtKey) {
    this.wanted = wanted
  }

  /** Somebody told of this node; whether it is near enough to be asked. */
  offer(node: NodeInfo): boolean {
    const known = this.#candidates.find(({ dhtKey }) => dhtKey === node.dhtKey)
    if (known && addressText(known.address) === addressText(node.address)) return false
    const candidate: Candidate = { ...node, askedAt: null, silences: 0 }
    this.#candidates = this.#candidates.filter((other) => other !== known)
    keepNearest(this.wanted, this.#candidates, candidate, mostCandidates)
    return this.#candidates.includes(candidate)
  }

  /** A candidate answered. */
  answered(dhtKey: DhtKey, now: Millis): void {
    const candidate = this.#candidates.find((each) => each.dhtKey === dhtKey)
    if (candidate) candidate.silences = 0
    if (dhtKey === this.wanted) this.#foundAt = now
  }

  /** Whom to ask now. */
  due(now: Millis): NodeInfo[] {
    const isFound = this.#foundAt !== null && now - this.#foundAt < 2 * askEveryMs.found
    const every = isFound ? askEveryMs.found : askEveryMs.searching
    const due = this.#candidates.filter(({ askedAt }) => askedAt === null || now - askedAt >= every)
    for (const candidate of due) {
      if (candidate.askedAt !== null) candidate.silences += 1
      candidate.askedAt = now
    }
    this.#candidates = this.#candidates.filter(({ silences }) => silences <= mostSilences)
    return due.filter(({ silences }) => silences <= mostSilences)
  }
}
