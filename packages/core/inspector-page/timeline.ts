import type { InspectedEvent } from '../src/inspector/types.js'
import { byId, isOn, setText, toggle } from './dom.js'
import { endText, timeOfDay } from './format.js'
import type { Store } from './store.js'
import { cells, VirtualList } from './virtual-list.js'

const channels = ['lifecycle', 'link', 'move', 'drain', 'cursor', 'roster'] as const

interface Row {
  readonly element: HTMLElement
  readonly cells: readonly HTMLElement[]
}

/** What happened, the latest first: by channel, by words, and one in full. */
export class TimelineView {
  readonly #store: Store
  readonly #find = byId('event-find', HTMLInputElement)
  readonly #detail = byId('event', HTMLPreElement)
  readonly #missed = byId('missed', HTMLParagraphElement)
  readonly #toggles = new Map<string, HTMLButtonElement>()
  readonly #list: VirtualList<InspectedEvent, Row>
  #selected: InspectedEvent | null = null
  #latest = 0

  constructor(store: Store) {
    this.#store = store
    this.#list = new VirtualList<InspectedEvent, Row>({
      viewport: byId('timeline-view', HTMLDivElement),
      label: 'Events, the latest first',
      columns: 'events',
      make: (element) => ({ element, cells: cells(element, 'number', '', '', '', '') }),
      fill: (row, event) => this.#fill(row, event),
    })
    for (const channel of channels) {
      const button = toggle(channel, () => this.update())
      this.#toggles.set(channel, button)
      byId('channels', HTMLDivElement).append(button)
    }
    this.#find.addEventListener('input', () => this.update())
    this.#list.element.addEventListener('keydown', (pressed) => this.#press(pressed))
    this.#list.element.addEventListener('click', ({ target }) => {
      const row = target instanceof Element ? target.closest<HTMLElement>('[role=option]') : null
      if (row !== null) this.#select(Number(row.dataset['index']))
    })
  }

  update(): void {
    const { events, missed } = this.#store
    const find = this.#find.value.toLowerCase()
    const shown: InspectedEvent[] = []
    let newer = 0
    for (let n = events.length - 1; n >= 0; n -= 1) {
      const event = events[n]
      if (event === undefined || !this.#isShown(event, find)) continue
      shown.push(event)
      if (event.seq > this.#latest) newer += 1
    }
    this.#latest = events.at(-1)?.seq ?? 0
    setText(byId('timeline-title', HTMLHeadingElement), `Events: ${shown.length} of ${events.length}`)
    setText(this.#missed, `${missed} events came too fast to be told`)
    this.#missed.hidden = missed === 0
    this.#list.show(shown, newer)
    this.#mark()
  }

  #isShown(event: InspectedEvent, find: string): boolean {
    const button = this.#toggles.get(event.channel)
    if (button !== undefined && !isOn(button)) return false
    return find === '' || `${event.name} ${whatOf(event)} ${reasonOf(event)}`.toLowerCase().includes(find)
  }

  #fill({ element, cells: [at, channel, name, what, reason] }: Row, event: InspectedEvent): void {
    const isSelected = event.seq === this.#selected?.seq
    element.id = `event-${event.seq}`
    element.setAttribute('aria-selected', String(isSelected))
    if (at) setText(at, timeOfDay(event.at))
    if (channel) setText(channel, event.channel)
    if (name) setText(name, event.name)
    if (what) setText(what, whatOf(event))
    if (reason) setText(reason, reasonOf(event))
  }

  #press(pressed: KeyboardEvent): void {
    const { items } = this.#list
    const at = items.findIndex(({ seq }) => seq === this.#selected?.seq)
    const to: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: Math.max(0, at - 1),
      PageDown: at + 10,
      PageUp: Math.max(0, at - 10),
      Home: 0,
      End: items.length - 1,
    }
    const next = to[pressed.key]
    if (next === undefined) return
    pressed.preventDefault()
    this.#select(Math.min(next, items.length - 1))
  }

  #select(index: number): void {
    const event = this.#list.items[index]
    if (event === undefined) return
    this.#selected = event
    this.#detail.textContent = JSON.stringify({ ...event, at: new Date(event.at).toISOString() }, null, 2)
    this.#list.reveal(index)
    this.#mark()
  }

  /** Says which one is selected, if it can be seen. */
  #mark(): void {
    const id = `event-${this.#selected?.seq}`
    const isThere = document.getElementById(id)?.hidden === false
    if (isThere) this.#list.element.setAttribute('aria-activedescendant', id)
    else this.#list.element.removeAttribute('aria-activedescendant')
  }
}

function whatOf({ kind, from, to, link }: InspectedEvent): string {
  const what = from !== undefined && to !== undefined ? `${from} → ${to}` : kind
  return link === undefined ? what : `${what}, link ${link}`
}

function reasonOf({ why, note }: InspectedEvent): string {
  return [why === undefined ? '' : endText(why), note ?? ''].filter((part) => part !== '').join(', ')
}
