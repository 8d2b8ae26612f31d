import { make } from './dom.js'

/** A part that can be folded up. */
export interface Fold<P> {
  readonly element: HTMLDetailsElement
  readonly summary: HTMLElement
  readonly parts: P
}

const shownAtMost = 50
const openAtFirst = 4

/** Parts of the page that can be folded up, one for each row; what is folded is not drawn. */
export class Folds<T extends { readonly id: number }, P> {
  readonly #into: HTMLElement
  readonly #make: (fold: HTMLDetailsElement) => P
  readonly #fill: (fold: Fold<P>, item: T) => void
  readonly #folds = new Map<number, Fold<P>>()
  #latest = new Map<number, T>()
  readonly #more = make('p')

  constructor(
    into: HTMLElement,
    makeParts: (fold: HTMLDetailsElement) => P,
    fill: (fold: Fold<P>, item: T) => void,
  ) {
    this.#into = into
    this.#make = makeParts
    this.#fill = fill
    into.append(this.#more)
  }

  show(items: readonly T[]): void {
    const shown = items.slice(0, shownAtMost)
    this.#latest = new Map(shown.map((item) => [item.id, item]))
    for (const [id, { element }] of this.#folds) {
      if (this.#latest.has(id)) continue
      element.remove()
      this.#folds.delete(id)
    }
    for (const item of shown) this.#fill(this.#folds.get(item.id) ?? this.#add(item), item)
    const rest = items.length - shown.length
    this.#more.hidden = rest === 0
    this.#more.textContent = `and ${rest} more: look for their names`
  }

  #add(item: T): Fold<P> {
    const element = make('details')
    const summary = make('summary')
    element.append(summary)
    element.open = this.#folds.size < openAtFirst
    const fold = { element, summary, parts: this.#make(element) }
    element.addEventListener('toggle', () => this.#fill(fold, this.#latest.get(item.id) ?? item))
    this.#into.insertBefore(element, this.#more)
    this.#folds.set(item.id, fold)
    return fold
  }
}
