import type { Member, SortedKey } from '../index.js'
import { tidyPosition, tidyText } from './tidy.js'
import type { InspectedMember, InspectedRoster, WallMillis } from './types.js'
import type { RecordOf, View } from './view.js'

const membersShown = 200

/** A roster and its members. */
export class RosterView implements View<InspectedRoster> {
  readonly id: number
  readonly among = 'rosters'
  readonly tells = false
  readonly #name: string
  readonly #noun: WeakRef<RecordOf<'roster'>['noun']>
  #isChanged = true
  #isOver = false

  constructor(id: number, { env, noun }: RecordOf<'roster'>) {
    this.id = id
    this.#name = tidyText(env.name)
    this.#noun = new WeakRef(noun)
    const over = (): void => {
      this.#isOver = true
    }
    noun.changes$
      .forEach(() => {
        this.#isChanged = true
      })
      .then(over, over)
  }

  row(): InspectedRoster | null {
    const roster = this.#noun.deref()
    if (roster === undefined) return null
    const { live, frozen } = roster
    const members = [...membersOf(live), ...membersOf(frozen)]
    return { id: this.id, name: this.#name, live: live.size, frozen: frozen.size, members }
  }

  news(): InspectedRoster | null {
    if (!this.#isChanged) return null
    this.#isChanged = false
    return this.row()
  }

  shownUntil(): WallMillis {
    return this.#isOver || this.#noun.deref() === undefined ? 0 : Infinity
  }
}

function membersOf(members: ReadonlyMap<SortedKey, Member<unknown>>): InspectedMember[] {
  const shown: InspectedMember[] = []
  for (const [key, { frozen }] of members) {
    if (shown.length === membersShown) break
    shown.push({
      key: String(tidyPosition(key)),
      ...(frozen && { frozen: { since: Math.round(frozen.since), why: tidyText(frozen.why) } }),
    })
  }
  return shown
}
