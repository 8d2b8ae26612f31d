import type { Observable } from 'rxjs'
import { end, type LinkId } from '../end.js'
import { announce } from '../env/noun-record.js'
import type { Timer } from '../env/types.js'
import { HoldfastError } from '../errors.js'
import { Interpreter, type Step } from '../interpreter.js'
import type { LinkScope } from '../link/types.js'
import { FeedingLinks } from './feeding-links.js'
import { judgeAdvance, judgeSeal } from './judge.js'
import { cursorStep } from './machine.js'
import { Progress } from './progress.js'
import { rulesOf } from './rules.js'
import { type BatchOwner, type StagedBatch, Staging } from './staging.js'
import {
  type CursorEffect,
  type CursorEvent,
  type CursorMachine,
  type CursorRules,
  idleCursor,
  isOver,
} from './state.js'
import type {
  Batch,
  Cursor,
  CursorOptions,
  CursorPhase,
  CursorProgress,
  Position,
  ResetWhy,
} from './types.js'
import { Waiters } from './waiters.js'

/**
 * Makes a {@link Cursor}. Where there is a store, await {@link Cursor.load} before the first link.
 *
 * @throws an `OptionError` that names the option it refuses
 *
 * @example
 * ```ts
 * import { cursor } from '@holdfast/core'
 * import { fakeScope, testEnv } from '@holdfast/core/testing'
 *
 * const applied: string[] = []
 * const events = cursor<number, string>({
 *   env: testEnv(),
 *   key: 'events',
 *   compare: (a, b) => a - b,
 *   sizeOf: (row) => row.length,
 *   apply: ({ items }) => void applied.push(...items),
 *   resync: async (_why, peer) => peer,
 *   staging: { bytes: 65_536 },
 *   backlog: { bytes: 65_536 },
 * })
 *
 * const link = fakeScope()
 * const batch = events.open(link)
 * batch.add('a')
 * batch.add('b')
 * batch.seal(7) // => 'ok'
 * applied // => ['a', 'b']
 *
 * events.open(link).add('never sealed')
 * link.end()
 * events.resumeFrom() // => { at: 7 }
 * ```
 */
export function cursor<P, T>(options: CursorOptions<P, T>): Cursor<P, T> {
  const { env, key } = options
  const made = new CursorShell(options)
  announce({ kind: 'cursor', env, key, noun: made })
  return made
}

class CursorShell<P, T>
  extends Interpreter<CursorMachine<P>, CursorEvent<P>, CursorEffect<P>>
  implements Cursor<P, T>, BatchOwner<P, T>
{
  readonly staging: Staging<P, T>
  readonly #options: CursorOptions<P, T>
  readonly #rules: CursorRules<P>
  readonly #links = new FeedingLinks((link) => this.send({ kind: 'link-ended', link }))
  #loading: Promise<void> | undefined
  #saveTimer: Timer | undefined
  #verdicts: ((resynced: boolean) => void)[] = []
  readonly #waiters: Waiters
  #closing: { readonly done: Promise<void>; readonly resolve: () => void } | undefined
  #progress: Progress<P> | undefined

  constructor(options: CursorOptions<P, T>) {
    const rules = rulesOf(options)
    super(idleCursor(rules))
    this.staging = new Staging(options.staging, options.sizeOf)
    this.#options = options
    this.#rules = rules
    this.#waiters = new Waiters(options.key)
  }

  get phase(): CursorPhase {
    return this.machine.phase
  }

  get received(): Position<P> | null {
    return this.machine.received
  }

  get applied(): Position<P> | null {
    return this.machine.applied
  }

  get durable(): Position<P> | null {
    return this.machine.durable
  }

  get progress$(): Observable<CursorProgress<P>> {
    this.#progress ??= new Progress(this.#options.env.clock, () => this.machine)
    return this.#progress.value$
  }

  load(): Promise<void> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined
      throw error
    })
    return this.#loading
  }

  resumeFrom(): Position<P> | null {
    this.#mustBeLoaded()
    return this.#options.store === undefined ? this.machine.applied : this.machine.durable
  }

  open(scope: LinkScope, o: { readonly floor?: P } = {}): Batch<P, T> {
    this.#mustBeLoaded()
    if (this.phase === 'closed')
      throw new HoldfastError(
        'HF_CURSOR_CLOSED',
        `cursor ${this.#options.key} is closed: open no more batches`,
      )
    const batch = this.staging.open(this, scope, !this.#links.add(scope))
    if (batch.phase === 'open') this.send({ kind: 'opened', batch: batch.id, link: scope.link.id, ...o })
    return batch
  }

  advance(to: P): 'ok' | 'back' {
    this.#mustBeLoaded()
    const verdict = judgeAdvance(this.machine, to, this.#rules)
    this.send({ kind: 'advanced', to, at: this.#now() })
    return verdict
  }

  resumed(scope?: LinkScope): void {
    this.#mustBeLoaded()
    this.send({ kind: 'resumed', link: this.#linkOf(scope) })
  }

  reset(why: ResetWhy, peer: Position<P> | null = null, scope?: LinkScope): Promise<boolean> {
    this.#mustBeLoaded()
    if (this.phase === 'closed') return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#verdicts.push(resolve)
      this.send({ kind: 'reset', why, peer, link: this.#linkOf(scope) })
    })
  }

  settled(): Promise<void> {
    const order = this.machine.sealed
    if (this.machine.saved >= order) return Promise.resolve()
    const settled = this.#waiters.until(order)
    this.send({ kind: 'hurried' })
    return settled
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      let resolve = (): void => undefined
      const done = new Promise<void>((settle) => {
        resolve = settle
      })
      this.#closing = { done, resolve }
      this.#saveTimer?.cancel()
      this.#waiters.fail(new HoldfastError('HF_CURSOR_CLOSED', `cursor ${this.#options.key} was closed`))
      this.send({ kind: 'closed' })
    }
    return this.#closing.done
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  sealed({ id, bytes, items }: StagedBatch<P, T>, to: P | null): 'ok' | 'old' | 'gap' {
    const verdict = judgeSeal(this.machine, to, this.#rules)
    this.send({ kind: 'sealed', batch: id, to, bytes, count: items.length, at: this.#now() })
    return verdict
  }

  discarded({ id }: StagedBatch<P, T>): void {
    this.send({ kind: 'discarded', batch: id })
  }

  protected step(state: CursorMachine<P>, event: CursorEvent<P>): Step<CursorMachine<P>, CursorEffect<P>> {
    return cursorStep(state, event, this.#rules)
  }

  protected perform(effect: CursorEffect<P>): void {
    switch (effect.kind) {
      case 'apply':
        this.#apply(effect.batch, effect.to)
        break
      case 'resync':
        this.#tellReset(effect.why, effect.peer)
        void this.#resync(effect.why, effect.peer)
        break
      case 'save':
        void this.#save(effect.to)
        break
      case 'save-later':
        this.#saveTimer = this.#options.env.clock.after(this.#rules.saveEvery, () =>
          this.send({ kind: 'save-due' }),
        )
        break
      case 'drop':
        for (const id of effect.batches) this.staging.forget(id)
        break
      case 'end-links': {
        const why = end('adapter-threw', {
          detail: `cursor ${this.#options.key} failed`,
          cause: effect.cause,
        })
        this.#links.fail(why)
        break
      }
    }
  }

  protected publish(before: CursorMachine<P>): void {
    const now = this.machine
    if (now.links !== before.links || now.paused !== before.paused) this.#links.pause(now.paused)
    if (before.phase === 'resyncing' && now.phase !== 'resyncing') {
      const resynced = now.phase === 'resynced'
      if (resynced) this.#tell('info', 'resynced', { to: now.applied }, 'resynced')
      for (const tell of this.#verdicts.splice(0)) tell(resynced)
    }
    this.#waiters.saved(now.saved)
    this.#progress?.stepped(before)
    if (!isOver(now)) return
    this.#progress?.complete()
    this.#closing?.resolve()
  }

  async #load(): Promise<void> {
    const { store, key } = this.#options
    if (store === undefined) return
    const position = await store.load().catch((cause: unknown) => {
      throw new HoldfastError('HF_CURSOR_LOAD_FAILED', `cursor ${key}: the store could not be read`, {
        cause,
      })
    })
    this.send({ kind: 'loaded', position: position ?? null })
  }

  #apply(id: number | null, to: Position<P> | null): void {
    const items = this.staging.itemsOf(id)
    const done = (): void => {
      this.staging.forget(id)
      this.send({ kind: 'applied', at: this.#now() })
    }
    const failed = (cause: unknown): void => {
      this.staging.forget(id)
      this.#tell('error', 'apply-failed', { to, err: cause }, 'apply failed; the batch will come again')
      this.#waiters.fail(cause)
      this.send({ kind: 'apply-failed', cause })
    }
    try {
      const applying = this.#options.apply({ items, to })
      if (applying) applying.then(done, failed)
      else done()
    } catch (cause) {
      failed(cause)
    }
  }

  async #resync(why: ResetWhy, peer: Position<P> | null): Promise<void> {
    let position: Position<P> | null
    try {
      position = await this.#options.resync(why, peer)
    } catch (cause) {
      this.#tell('error', 'resync-failed', { why, err: cause }, 'resync failed; it will be tried again')
      this.send({ kind: 'resync-failed', cause })
      return
    }
    this.send({ kind: 'resynced', position })
  }

  async #save(to: Position<P> | null): Promise<void> {
    try {
      await this.#options.store?.save?.(to)
    } catch (cause) {
      this.#tell(
        'error',
        'save-failed',
        { to, err: cause },
        'position not saved; it will be with the next one',
      )
      this.#waiters.fail(cause)
      this.send({ kind: 'save-failed', cause })
      return
    }
    this.send({ kind: 'saved' })
  }

  #linkOf(scope: LinkScope | undefined): LinkId | null {
    return scope !== undefined && this.#links.add(scope) ? scope.link.id : null
  }

  #mustBeLoaded(): void {
    if (this.phase === 'unloaded')
      throw new HoldfastError(
        'HF_CURSOR_NOT_LOADED',
        `cursor ${this.#options.key}: await load() before the first link`,
      )
  }

  /** Time matters to the backlog only if that has an age. */
  #now(): number {
    return this.#rules.backlog.age === undefined ? 0 : this.#options.env.clock.now()
  }

  /** Who has no position yet loses none: that is no warning. */
  #tellReset(why: ResetWhy, peer: Position<P> | null): void {
    if (why === 'first-time') this.#tell('info', 'reset', { why, peer }, 'no position yet, loading the state')
    else this.#tell('warn', 'reset', { why, peer }, 'position is worthless, resyncing')
  }

  #tell(level: 'info' | 'warn' | 'error', kind: string, fields: object, text: string): void {
    const { env, key } = this.#options
    env.log[level]({ cursor: key, ...fields }, text)
    env.trace?.('cursor', { kind, owner: env.name, key, ...fields })
  }
}
