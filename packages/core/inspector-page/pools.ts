import type { InspectedEvent, InspectedPool } from '../src/inspector/types.js'
import { byId, make, setText } from './dom.js'
import { type Fold, Folds } from './folds.js'
import { counted } from './format.js'
import type { Colours } from './phases.js'
import { SharpCanvas } from './sharp-canvas.js'
import type { Store } from './store.js'

interface Parts {
  readonly labels: HTMLUListElement
  readonly canvas: SharpCanvas
  readonly moves: HTMLElement
  readonly dots: Map<number, Dot>
  pool: InspectedPool | null
}

/** A binding on its way. */
interface Dot {
  x: number
  y: number
  toX: number
  toY: number
  moves: number
  /** When it last went to another link. */
  movedAt: number
}

const laneHeight = 22
const lanesAtMost = 24
const dotEvery = 9
const travelMs = 500
const glowMs = 3000

/** Pools: a lane for each link, and a dot for each binding, which moves when the binding does. */
export class Pools {
  readonly #store: Store
  readonly #colours: Colours
  readonly #find: () => string
  readonly #section = byId('pools', HTMLElement)
  readonly #folds: Folds<InspectedPool, Parts>
  readonly #moving = new Set<Parts>()
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)')
  #frame = 0

  constructor(store: Store, colours: Colours, find: () => string) {
    this.#store = store
    this.#colours = colours
    this.#find = find
    this.#folds = new Folds(
      byId('pools-view', HTMLDivElement),
      (element) => this.#partsOf(element),
      (fold, pool) => this.#fill(fold, pool),
    )
  }

  update(): void {
    this.#section.hidden = this.#store.count('pools') === 0
    const find = this.#find()
    const shown = this.#store.rows('pools').filter(({ name }) => name.toLowerCase().includes(find))
    setText(
      byId('pools-title', HTMLHeadingElement),
      `Pools: ${shown.length} of ${this.#store.count('pools')}`,
    )
    this.#folds.show(shown)
  }

  #fill({ element, summary, parts }: Fold<Parts>, pool: InspectedPool): void {
    setText(summary, summaryOf(pool))
    parts.pool = pool
    if (!element.open) return
    const lanes = lanesOf(pool)
    const texts = lanes.map(({ text }) => text)
    if (parts.labels.childElementCount !== texts.length) {
      parts.labels.replaceChildren(...texts.map((text) => make('li', { text })))
    } else texts.forEach((text, n) => setText(parts.labels.children[n] as HTMLElement, text))
    parts.canvas.element.setAttribute('aria-label', `Bindings by link: ${texts.join('; ')}`)
    parts.canvas.element.style.height = `${lanes.length * laneHeight}px`
    setText(parts.moves, this.#movesOf(pool))
    this.#place(parts, pool, lanes)
  }

  #partsOf(element: HTMLDetailsElement): Parts {
    const labels = make('ul')
    const canvas = new SharpCanvas(() => this.update())
    const moves = make('p')
    element.append(make('div', { class: 'lanes' }, labels, canvas.element), moves)
    return { labels, canvas, moves, dots: new Map(), pool: null }
  }

  #movesOf({ name }: InspectedPool): string {
    const told: InspectedEvent[] = []
    const { events } = this.#store
    for (let n = events.length - 1; n >= 0 && told.length < 3; n -= 1) {
      const event = events[n]
      if (event?.channel === 'move' && event.name === name) told.push(event)
    }
    return told.map(({ link, note }) => `link ${link} is gone: ${note ?? ''}`).join(' · ')
  }

  #place(parts: Parts, pool: InspectedPool, lanes: readonly Lane[]): void {
    const { width } = parts.canvas
    const laneOf = new Map(lanes.map(({ link }, n) => [link, n]))
    const taken = lanes.map(() => 0)
    const room = Math.max(1, Math.floor((width - dotEvery) / dotEvery))
    const now = performance.now()
    const known = new Set<number>()
    for (const { id, link, moves } of pool.bindings) {
      const lane = laneOf.get(link)
      if (lane === undefined) continue
      const at = taken[lane] ?? 0
      taken[lane] = at + 1
      if (at >= room * 2) continue
      known.add(id)
      const toX = ((at % room) + 0.5) * dotEvery
      const toY = lane * laneHeight + (at < room ? 7 : 15)
      const dot = parts.dots.get(id)
      if (dot === undefined) parts.dots.set(id, { x: toX, y: toY, toX, toY, moves, movedAt: -Infinity })
      else {
        if (moves > dot.moves) dot.movedAt = now
        Object.assign(dot, { toX, toY, moves })
        if (this.#calm.matches) Object.assign(dot, { x: toX, y: toY })
      }
    }
    for (const id of parts.dots.keys()) if (!known.has(id)) parts.dots.delete(id)
    this.#moving.add(parts)
    this.#animate()
  }

  #animate(): void {
    if (this.#frame !== 0) return
    this.#frame = requestAnimationFrame((now) => {
      this.#frame = 0
      for (const parts of this.#moving) if (!this.#draw(parts, now)) this.#moving.delete(parts)
      if (this.#moving.size > 0) this.#animate()
    })
  }

  /** @returns whether something still moves */
  #draw({ canvas, dots, pool }: Parts, now: number): boolean {
    const lanes = pool === null ? 0 : lanesOf(pool).length
    const context = canvas.begin(lanes * laneHeight)
    if (context === null) return false
    const { width } = canvas
    context.fillStyle = this.#colours.of('line')
    for (let lane = 0; lane < lanes; lane += 1) context.fillRect(0, lane * laneHeight + 20, width, 1)
    let isMoving = false
    for (const dot of dots.values()) {
      const [x, y] = [dot.toX - dot.x, dot.toY - dot.y]
      const isThere = Math.abs(x) + Math.abs(y) < 0.5
      const step = isThere ? 1 : 16 / (travelMs / 4)
      dot.x += x * step
      dot.y += y * step
      const glows = now - dot.movedAt < glowMs
      isMoving ||= !isThere
      context.fillStyle = this.#colours.of(glows ? 'moved' : 'dot')
      context.beginPath()
      context.arc(dot.x, dot.y, glows ? 4 : 3, 0, 2 * Math.PI)
      context.fill()
    }
    return isMoving
  }
}

interface Lane {
  /** `null` for those who wait. */
  readonly link: number | null
  readonly text: string
}

function lanesOf({ links, parked }: InspectedPool): Lane[] {
  const lanes: Lane[] = links
    .slice(0, lanesAtMost)
    .map(({ id, phase, bound }) => ({ link: id, text: `link ${id}, ${phase}: ${bound} bound` }))
  if (parked > 0) lanes.push({ link: null, text: `parked: ${parked}` })
  return lanes
}

function summaryOf({ name, phase, links, slots, bound, bindings }: InspectedPool): string {
  const more = links.length > lanesAtMost ? `, the first ${lanesAtMost} shown` : ''
  const parts = [
    `${name}: ${phase}`,
    `${counted(links.length, 'link')}${more}`,
    `${counted(bound, 'binding')}${bound > bindings.length ? `, ${bindings.length} shown` : ''}`,
    ...Object.entries(slots).flatMap(([what, count]: [string, number]) =>
      count > 0 ? [`${count} ${what}`] : [],
    ),
  ]
  return parts.join(' · ')
}
