import type { InspectedMember, InspectedRoster } from '../src/inspector/types.js'
import { byId, make, setText } from './dom.js'
import { type Fold, Folds } from './folds.js'
import { duration } from './format.js'
import type { Store } from './store.js'

interface Parts {
  readonly live: HTMLUListElement
  readonly frozen: HTMLUListElement
}

/** Rosters: who is live, and who is frozen since when and why. */
export class Rosters {
  readonly #store: Store
  readonly #find: () => string
  readonly #section = byId('rosters', HTMLElement)
  readonly #folds: Folds<InspectedRoster, Parts>

  constructor(store: Store, find: () => string) {
    this.#store = store
    this.#find = find
    const into = byId('rosters-view', HTMLDivElement)
    this.#folds = new Folds(into, partsOf, (fold, roster) => this.#fill(fold, roster))
  }

  update(): void {
    const all = this.#store.rows('rosters')
    this.#section.hidden = all.length === 0
    const find = this.#find()
    const shown = all.filter(({ name }) => name.toLowerCase().includes(find))
    setText(byId('rosters-title', HTMLHeadingElement), `Rosters: ${shown.length} of ${all.length}`)
    this.#folds.show(shown)
  }

  #fill({ element, summary, parts }: Fold<Parts>, { name, live, frozen, members }: InspectedRoster): void {
    setText(summary, `${name}: ${live} live, ${frozen} frozen`)
    if (!element.open) return
    const isFrozen = (member: InspectedMember): boolean => member.frozen !== undefined
    const alive = members.filter((member) => !isFrozen(member))
    fill(
      parts.live,
      alive.map(({ key }) => key),
      live,
    )
    fill(
      parts.frozen,
      members.filter(isFrozen).map((member) => this.#frozenText(member)),
      frozen,
    )
  }

  #frozenText({ key, frozen }: InspectedMember): string {
    return frozen === undefined
      ? key
      : `${key}, frozen ${duration(this.#store.now - frozen.since)} ago: ${frozen.why}`
  }
}

/** Chips are used again: of many members few change at a time. */
function fill(list: HTMLUListElement, shown: readonly string[], all: number): void {
  const texts = all > shown.length ? [...shown, `and ${all - shown.length} more`] : shown
  list.hidden = texts.length === 0
  while (list.childElementCount > texts.length) list.lastElementChild?.remove()
  const kind = list.dataset['kind'] ?? ''
  texts.forEach((text, n) => {
    const chip = list.children[n] ?? list.appendChild(make('li', { class: kind }))
    setText(chip as HTMLElement, text)
  })
}

function partsOf(element: HTMLDetailsElement): Parts {
  const live = make('ul', { class: 'chips', 'data-kind': 'live', 'aria-label': 'Live' })
  const frozen = make('ul', { class: 'chips', 'data-kind': 'frozen', 'aria-label': 'Frozen' })
  element.append(live, frozen)
  return { live, frozen }
}
