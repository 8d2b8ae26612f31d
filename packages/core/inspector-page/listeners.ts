import { byId, setText } from './dom.js'
import { counted } from './format.js'
import type { Store } from './store.js'
import { cells, VirtualList } from './virtual-list.js'

/** Name, address, phase, how many. */
type Texts = readonly [string, string, string, string]

/** Listeners with their links, and feeds with their readers. */
export class Listeners {
  readonly #store: Store
  readonly #find: () => string
  readonly #section = byId('listeners', HTMLElement)
  readonly #list: VirtualList<Texts, readonly HTMLElement[]>

  constructor(store: Store, find: () => string) {
    this.#store = store
    this.#find = find
    this.#list = new VirtualList<Texts, readonly HTMLElement[]>({
      viewport: byId('listeners-view', HTMLDivElement),
      label: 'List of listeners and feeds',
      columns: 'listeners',
      head: ['Name', 'Where', 'Phase', 'How many'],
      make: (row) => cells(row, '', '', '', 'number'),
      fill: (row, texts) => row.forEach((cell, n) => setText(cell, texts[n] ?? '')),
    })
  }

  update(): void {
    const listeners = this.#store
      .rows('listeners')
      .map(({ name, endpoint, phase, links, handshaking }): Texts => {
        const more = handshaking > 0 ? `, ${handshaking} handshaking` : ''
        return [name, endpoint, phase, `${counted(links, 'link')}${more}`]
      })
    const feeds = this.#store
      .rows('feeds')
      .map(({ name, readers }): Texts => [name, 'a feed', '', counted(readers, 'reader')])
    const all = [...listeners, ...feeds]
    this.#section.hidden = all.length === 0
    const find = this.#find()
    this.#list.show(all.filter(([name]) => name.toLowerCase().includes(find)))
  }
}
