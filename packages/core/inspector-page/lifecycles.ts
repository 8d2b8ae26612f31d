import type { InspectedLifecycle } from '../src/inspector/types.js'
import { byId, isOn, setText, toggle } from './dom.js'
import { duration, endText } from './format.js'
import { type Colours, phases } from './phases.js'
import { SharpCanvas } from './sharp-canvas.js'
import type { Store } from './store.js'
import { cells, VirtualList } from './virtual-list.js'

type Phase = InspectedLifecycle['phase']

interface Row {
  readonly name: HTMLElement
  readonly phase: HTMLElement
  readonly strip: SharpCanvas
  readonly why: HTMLElement
}

const stripHeight = 14

/** Lifecycles, each with a strip of its phases over time. */
export class Lifecycles {
  readonly #store: Store
  readonly #colours: Colours
  readonly #find: () => string
  readonly #list: VirtualList<InspectedLifecycle, Row>
  readonly #section = byId('lifecycles', HTMLElement)
  readonly #title = byId('lifecycles-title', HTMLHeadingElement)
  readonly #order = byId('order', HTMLSelectElement)
  readonly #window = byId('window', HTMLSelectElement)
  readonly #toggles = new Map<Phase, HTMLButtonElement>()
  /** All, in the order of their names. */
  #named: readonly InspectedLifecycle[] = []

  constructor(store: Store, colours: Colours, find: () => string) {
    this.#store = store
    this.#colours = colours
    this.#find = find
    this.#list = new VirtualList({
      viewport: byId('lifecycles-view', HTMLDivElement),
      label: 'List of lifecycles',
      columns: 'lifecycles',
      head: ['Name', 'Phase', 'Over time', 'Why, and what next'],
      make: (row) => rowOf(row, () => this.#list.draw()),
      fill: (row, life) => this.#fill(row, life),
    })
    for (const phase of phases) {
      const button = toggle(phase, () => this.update())
      button.classList.add(phase)
      this.#toggles.set(phase, button)
      byId('phases', HTMLDivElement).append(button)
    }
    this.#order.addEventListener('change', () => {
      this.toTop()
      this.update()
    })
    this.#window.addEventListener('change', () => this.#list.draw())
  }

  /** Shows what there is now. */
  update(): void {
    const all = this.#inOrderOfNames()
    this.#section.hidden = all.length === 0
    const counts = new Map<Phase, number>()
    for (const { phase } of all) counts.set(phase, (counts.get(phase) ?? 0) + 1)
    for (const [phase, button] of this.#toggles) setText(button, `${phase} ${counts.get(phase) ?? 0}`)
    const find = this.#find()
    const phasesShown = new Set(phases.filter((phase) => isShown(this.#toggles.get(phase))))
    const shown = all.filter(
      ({ name, phase }) => phasesShown.has(phase) && (find === '' || name.toLowerCase().includes(find)),
    )
    const { omitted } = this.#store
    const more = omitted > 0 ? `, and ${omitted} nouns that there was no room for` : ''
    setText(this.#title, `Lifecycles: ${shown.length} of ${all.length}${more}`)
    this.#list.show(orders[this.#order.value]?.(shown) ?? shown)
  }

  /** Sorted again from what was sorted: of very many few are new. */
  #inOrderOfNames(): readonly InspectedLifecycle[] {
    const known = new Set<number>()
    const all: InspectedLifecycle[] = []
    for (const { id } of this.#named) {
      const row = this.#store.row('lifecycles', id)
      if (row === undefined) continue
      known.add(id)
      all.push(row)
    }
    for (const row of this.#store.rows('lifecycles')) if (!known.has(row.id)) all.push(row)
    this.#named = all.sort(byName)
    return this.#named
  }

  /** What comes first is looked at, as whoever asks for another order or other names wants. */
  toTop(): void {
    this.#list.reveal(0)
  }

  /** Time goes on: strips move. */
  draw(): void {
    if (!this.#section.hidden) this.#list.draw()
  }

  #fill({ name, phase, strip, why }: Row, life: InspectedLifecycle): void {
    setText(name, life.name)
    name.title = life.endpoint === undefined ? life.name : `${life.name} at ${life.endpoint}`
    setText(phase, life.phase)
    phase.className = `phase ${life.phase}`
    setText(why, this.#whyOf(life))
    why.title = why.textContent
    const span = Number(this.#window.value)
    const from = this.#store.now - span
    const changes = life.history.filter(([at], index) => index > 0 && at > from).length
    strip.element.setAttribute('aria-label', `${life.phase}, ${changes} changes`)
    this.#draw(strip, life, from, span)
  }

  #draw(strip: SharpCanvas, { history }: InspectedLifecycle, from: number, span: number): void {
    const context = strip.begin(stripHeight)
    if (context === null) return
    const { width } = strip
    context.fillStyle = this.#colours.of('ground')
    context.fillRect(0, 0, width, stripHeight)
    history.forEach(([at, phase], index) => {
      const until = history[index + 1]?.[0] ?? from + span
      if (until < from) return
      const left = Math.max(0, ((at - from) / span) * width)
      const right = ((until - from) / span) * width
      context.fillStyle = this.#colours.of(phase)
      // However short it was, it is seen.
      context.fillRect(left, 0, Math.max(1, right - left), stripHeight)
    })
  }

  #whyOf(life: InspectedLifecycle): string {
    const { now } = this.#store
    const { phase, since, attempt, retryAt, why, link, stable, inFlight, endpoint } = life
    const parts: string[] = []
    if (phase === 'waiting' && retryAt !== undefined) parts.push(`again in ${duration(retryAt - now)}`)
    else parts.push(`for ${duration(now - since)}`)
    if (link !== undefined) parts.push(`link ${link}`)
    if (stable === true) parts.push('stable')
    if (inFlight !== undefined) parts.push(`${inFlight} in flight`)
    if (attempt !== undefined && attempt > 0) parts.push(`attempt ${attempt + 1}`)
    if (why !== undefined) parts.push(endText(why))
    else if (endpoint !== undefined) parts.push(endpoint)
    return parts.join(', ')
  }
}

function isShown(button: HTMLButtonElement | undefined): boolean {
  return button !== undefined && isOn(button)
}

function rowOf(row: HTMLElement, resized: () => void): Row {
  const [name, phase, over, why] = cells(row, 'name', 'phase', 'strip', 'why') as [
    HTMLElement,
    HTMLElement,
    HTMLElement,
    HTMLElement,
  ]
  const strip = new SharpCanvas(resized)
  over.append(strip.element)
  return { name, phase, strip, why }
}

const byName = (a: InspectedLifecycle, b: InspectedLifecycle): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id

/** Other orders than that of names, which those have who are given. */
const orders: Readonly<Record<string, (named: InspectedLifecycle[]) => InspectedLifecycle[]>> = {
  latest: (named) => named.sort((a, b) => b.since - a.since || b.id - a.id),
  trouble: (named) => {
    const byPhase = new Map(phases.map((phase): [Phase, InspectedLifecycle[]] => [phase, []]))
    for (const life of named) byPhase.get(life.phase)?.push(life)
    byPhase.get('waiting')?.sort((a, b) => (b.attempt ?? 0) - (a.attempt ?? 0))
    return [...byPhase.values()].flat()
  },
}
