import { type Observable, Subject } from 'rxjs'
import type { LinkId } from '../end.js'
import type { Env } from '../env/types.js'
import type { BindingId, MoveTally } from './model.js'
import type { MoveReport } from './types.js'

/** Links that are gone: whom they took with them, and who is to hear of it. */
export class Departures {
  readonly #env: Env
  /** Of the step at hand. */
  #tallies: MoveTally[] = []
  readonly #waiting = new Map<LinkId, ((report: MoveReport) => void)[]>()
  #moves$: Subject<MoveReport> | null = null
  #isOver = false

  constructor(env: Env) {
    this.#env = env
  }

  get moves$(): Observable<MoveReport> {
    this.#moves$ ??= new Subject()
    if (this.#isOver) this.#moves$.complete()
    return this.#moves$.asObservable()
  }

  /** What will have become of a link, once it is gone. */
  of(link: LinkId): Promise<MoveReport> {
    return new Promise((resolve) => {
      this.#waiting.set(link, [...(this.#waiting.get(link) ?? []), resolve])
    })
  }

  /** A link is gone; told at the end of the step. */
  add(tally: MoveTally): void {
    this.#tallies.push(tally)
  }

  /** A link is gone that never carried anybody. */
  unused(link: LinkId): void {
    this.#settle(nothingMoved(link))
  }

  /** The step is over. */
  tell(cut: ReadonlyMap<BindingId, MoveReport['cut'][number]>): void {
    for (const tally of this.#tallies.splice(0)) this.#tell(tally, cut)
  }

  complete(): void {
    this.#isOver = true
    this.#moves$?.complete()
  }

  #tell(
    { link, moved, parked, cut }: MoveTally,
    why: ReadonlyMap<BindingId, MoveReport['cut'][number]>,
  ): void {
    const { name, log, trace } = this.#env
    const told = cut.flatMap(({ binding }) => why.get(binding) ?? [])
    const report: MoveReport = { link, moved, parked, cut: told }
    const fields = { name, link, moved, parked }
    const text = `a link is gone: ${moved} moved, ${parked} parked, ${told.length} cut`
    log.info({ ...fields, cut: told.length }, text)
    trace?.('move', { kind: 'retired', ...fields, cut: told })
    this.#moves$?.next(report)
    this.#settle(report)
  }

  #settle(report: MoveReport): void {
    const waiting = this.#waiting.get(report.link) ?? []
    this.#waiting.delete(report.link)
    for (const resolve of waiting) resolve(report)
  }
}

/** Of a link that nobody was on. */
export function nothingMoved(link: LinkId): MoveReport {
  return { link, moved: 0, parked: 0, cut: [] }
}
