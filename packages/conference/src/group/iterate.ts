import { askForMissed } from './catch-up.js'
import { offerClosest } from './closest.js'
import { addReason, connectionTo, dropReason, keepSomeFree } from './connections.js'
import { freezeSilent } from './peers.js'
import { pingIfDue, sendName, sendOnline } from './sending.js'
import type { ConferenceTurn } from './turn.js'

/** How long an acceptance may go unanswered (U9). */
const joinWithinMs = 60_000

/** Time has passed: what is due is done, in this order (spec 5, T10). */
export function iterate(c: ConferenceTurn): void {
  if (c.state.phase === 'joining') {
    giveUpIfInVain(c)
    return
  }
  connectToClosest(c)
  pingIfDue(c)
  freezeSilent(c)
  if (c.state.roster.live.size === 0 && c.state.titleFresh) c.set({ titleFresh: false })
  keepSomeFree(c)
  if (c.state.needSendName) sendName(c)
  askForMissed(c)
}

function giveUpIfInVain(c: ConferenceTurn): void {
  const { since, number, identifier, connections } = c.state
  if (since + joinWithinMs > c.at.beat) return
  c.turn.remove(number)
  for (const { realKey } of connections) c.turn.release(realKey, number)
  c.turn.tell({ kind: 'gave-up', conference: number, identifier })
}

function connectToClosest(c: ConferenceTurn): void {
  if (c.state.closestChanged === 'none') return
  if (c.state.closestChanged === 'removed') refill(c)
  const { closest } = c.state
  const isClosest = (key: string): boolean => closest.some((slot) => slot?.realKey === key)
  for (const { realKey } of c.state.connections) {
    if (!isClosest(realKey)) dropReason(c, realKey, 'closest')
  }
  for (const slot of closest) {
    if (slot === null) continue
    addReason(c, slot.realKey, 'closest', slot.dhtKey)
    if (connectionTo(c, slot.realKey)?.state === 'connecting') sendOnline(c, slot.realKey)
  }
  c.set({ closestChanged: 'none' })
}

function refill(c: ConferenceTurn): void {
  const self = c.turn.machine.realKey
  let { closest } = c.state
  for (const { value } of c.state.roster.live.values()) {
    closest = offerClosest(closest, self, { realKey: value.realKey, dhtKey: value.dhtKey })
  }
  c.set({ closest })
}
