/** How a {@link VirtualList} shows its items. */
export interface VirtualListOptions<T, R> {
  /** What scrolls. Gets the list as its only child. */
  readonly viewport: HTMLElement
  readonly label: string
  /** Class of the rows and of the head, which says the columns. */
  readonly columns: string
  /** Titles of the columns; without them the rows are options to choose from. */
  readonly head?: readonly string[]
  /** Makes a row; it is used again for other items. */
  readonly make: (row: HTMLElement) => R
  readonly fill: (row: R, item: T) => void
}

interface Row<R> {
  readonly element: HTMLElement
  readonly parts: R
}

const rowHeight = 28
/** Rows beyond the edges, so that there is something before the next frame. */
const spare = 4

/** A list of any length: only what can be seen exists. */
export class VirtualList<T, R> {
  readonly #options: VirtualListOptions<T, R>
  readonly #list: HTMLElement
  readonly #body: HTMLElement
  readonly #rows: Row<R>[] = []
  #items: readonly T[] = []
  #frame = 0
  /** How far it is scrolled, and how much can be seen: read when they change, for reading them lays out the page. */
  #top = 0
  #height = 0
  readonly #headHeight: number

  constructor(options: VirtualListOptions<T, R>) {
    this.#options = options
    const { viewport, label, columns, head } = options
    this.#headHeight = head === undefined ? 0 : rowHeight
    this.#list = document.createElement('div')
    this.#list.setAttribute('role', head === undefined ? 'listbox' : 'table')
    this.#list.setAttribute('aria-label', label)
    if (head !== undefined) this.#list.append(headOf(columns, head))
    this.#body = document.createElement('div')
    this.#body.className = 'rows'
    this.#body.setAttribute('role', head === undefined ? 'presentation' : 'rowgroup')
    this.#list.append(this.#body)
    viewport.append(this.#list)
    if (head === undefined) this.#list.tabIndex = 0
    else {
      viewport.tabIndex = 0
      viewport.setAttribute('role', 'region')
      viewport.setAttribute('aria-label', label)
    }
    viewport.addEventListener(
      'scroll',
      () => {
        this.#top = viewport.scrollTop
        this.#later()
      },
      { passive: true },
    )
    new ResizeObserver(() => {
      this.#height = viewport.clientHeight
      this.#later()
    }).observe(viewport)
  }

  /** The element that has the rows. */
  get element(): HTMLElement {
    return this.#list
  }

  get items(): readonly T[] {
    return this.#items
  }

  /** Shows these, now; if some have come in before the others, those that are looked at stay where they are. */
  show(items: readonly T[], newer = 0): void {
    this.#items = items
    this.#body.style.height = `${items.length * rowHeight}px`
    if (this.#options.head !== undefined) this.#list.setAttribute('aria-rowcount', String(items.length + 1))
    if (newer > 0 && this.#top > 0) this.#scrollTo(this.#top + newer * rowHeight)
    this.draw()
  }

  /** Makes an item visible. */
  reveal(index: number): void {
    const top = index * rowHeight
    const room = this.#height - this.#headHeight
    if (top < this.#top) this.#scrollTo(top)
    else if (top + rowHeight > this.#top + room) this.#scrollTo(top + rowHeight - room)
    this.draw()
  }

  /** Fills the rows that can be seen. */
  draw(): void {
    const { fill, head } = this.#options
    const first = Math.max(0, Math.min(Math.floor(this.#top / rowHeight), this.#items.length - 1) - spare)
    const room = Math.max(this.#height, 14 * rowHeight)
    const count = Math.min(this.#items.length - first, Math.ceil(room / rowHeight) + 2 * spare)
    for (let n = 0; n < Math.max(count, this.#rows.length); n += 1) {
      const item = this.#items[first + n]
      if (n >= count || item === undefined) {
        const unused = this.#rows[n]
        if (unused !== undefined) unused.element.hidden = true
        continue
      }
      const row = this.#rows[n] ?? this.#make()
      const { element, parts } = row
      element.hidden = false
      element.style.transform = `translateY(${(first + n) * rowHeight}px)`
      element.dataset['index'] = String(first + n)
      if (head === undefined) {
        element.setAttribute('aria-posinset', String(first + n + 1))
        element.setAttribute('aria-setsize', String(this.#items.length))
      } else element.setAttribute('aria-rowindex', String(first + n + 2))
      fill(parts, item)
    }
  }

  #make(): Row<R> {
    const { columns, head, make } = this.#options
    const element = document.createElement('div')
    element.className = `row ${columns}`
    element.setAttribute('role', head === undefined ? 'option' : 'row')
    const row = { element, parts: make(element) }
    this.#body.append(element)
    this.#rows.push(row)
    return row
  }

  #scrollTo(top: number): void {
    const { viewport } = this.#options
    viewport.scrollTop = top
    this.#top = viewport.scrollTop
  }

  #later(): void {
    if (this.#frame !== 0) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      this.draw()
    })
  }
}

function headOf(columns: string, titles: readonly string[]): HTMLElement {
  const group = document.createElement('div')
  group.setAttribute('role', 'rowgroup')
  group.className = 'head-group'
  const row = document.createElement('div')
  row.className = `head ${columns}`
  row.setAttribute('role', 'row')
  row.setAttribute('aria-rowindex', '1')
  for (const title of titles) {
    const cell = document.createElement('span')
    cell.setAttribute('role', 'columnheader')
    cell.textContent = title
    row.append(cell)
  }
  group.append(row)
  return group
}

/** Adds cells to a row. */
export function cells(row: HTMLElement, ...classes: readonly string[]): HTMLElement[] {
  const role = row.getAttribute('role') === 'option' ? 'presentation' : 'cell'
  return classes.map((name) => {
    const cell = document.createElement('span')
    cell.className = name
    cell.setAttribute('role', role)
    row.append(cell)
    return cell
  })
}
