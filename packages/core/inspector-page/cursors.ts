import type { InspectedCursor } from '../src/inspector/types.js'
import { byId, make, setText } from './dom.js'
import type { Store } from './store.js'
import { cells, VirtualList } from './virtual-list.js'

interface Row {
  readonly texts: readonly HTMLElement[]
  readonly bar: HTMLElement
  readonly lag: HTMLElement
}

const longestBar = 60

/** Cursors: received, applied, durable, and how far the one is behind the other. */
export class Cursors {
  readonly #store: Store
  readonly #find: () => string
  readonly #section = byId('cursors', HTMLElement)
  readonly #list: VirtualList<InspectedCursor, Row>
  #largestLag = 1

  constructor(store: Store, find: () => string) {
    this.#store = store
    this.#find = find
    this.#list = new VirtualList({
      viewport: byId('cursors-view', HTMLDivElement),
      label: 'List of cursors',
      columns: 'cursors',
      head: ['Name', 'Log', 'Phase', 'Received', 'Applied', 'Durable', 'Lag'],
      make: rowOf,
      fill: (row, cursor) => this.#fill(row, cursor),
    })
  }

  update(): void {
    const all = this.#store.rows('cursors')
    this.#section.hidden = all.length === 0
    const find = this.#find()
    const shown = all.filter(({ name, key }) => `${name} ${key}`.toLowerCase().includes(find))
    const behind = all.filter(({ isBehind }) => isBehind).length
    const title = `Cursors: ${shown.length} of ${all.length}, ${behind} behind`
    setText(byId('cursors-title', HTMLHeadingElement), title)
    this.#largestLag = Math.max(1, ...shown.map(({ lag }) => lag ?? 0))
    this.#list.show(shown.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id)))
  }

  #fill({ texts, bar, lag }: Row, cursor: InspectedCursor): void {
    const { name, key, phase, received, applied, durable } = cursor
    const shown = [name, key, phase, received ?? '–', applied ?? '–', durable ?? '–'].map(String)
    texts.forEach((cell, n) => {
      setText(cell, shown[n] ?? '')
      cell.title = shown[n] ?? ''
    })
    const width =
      cursor.lag === null ? (cursor.isBehind ? 8 : 0) : (cursor.lag / this.#largestLag) * longestBar
    bar.style.width = `${width}px`
    setText(lag, cursor.lag === null ? (cursor.isBehind ? 'behind' : 'none') : String(cursor.lag))
  }
}

function rowOf(row: HTMLElement): Row {
  const texts = cells(row, '', '', '', 'number', 'number', 'number')
  const [last] = cells(row, 'lag number')
  const bar = make('i')
  const lag = make('span')
  last?.append(bar, lag)
  return { texts, bar, lag }
}
