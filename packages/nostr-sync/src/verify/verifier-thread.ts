import { Worker } from 'node:worker_threads'
import type { NostrEvent } from '../wire/event.js'
import { type BatchVerdicts, pack } from './packing.js'
import type { SchnorrBackend, Verdict } from './types.js'

/** What happens to a {@link VerifierThread}. */
export interface ThreadEvents {
  /** It could do with more work. */
  idle(): void
  /** It ended without being asked to. */
  died(error: unknown): void
}

/** What came of a batch. `not-begun`: another one was in work when the thread ended. */
export type BatchOutcome = readonly Verdict[] | 'in-work-when-ended' | 'not-begun'

type Job = (outcome: BatchOutcome) => void

const isSource = import.meta.url.endsWith('.ts')
/** Beside this module, whatever its files are called. */
const program = new URL(import.meta.url.replace(/[^/]+(\.\w+)$/, 'worker-thread$1'))
/** From sources: a thread does not inherit the loader that its parent was started with. */
const fromSource = `import('tsx/esm/api').then(({ register }) => {
  register()
  return import(${JSON.stringify(program.href)})
})`

/** One thread, with one batch in work and one behind it, so that it need not wait for the next. */
export class VerifierThread {
  readonly #backend: SchnorrBackend
  readonly #events: ThreadEvents
  readonly #jobs = new Map<number, Job>()
  #worker: Worker | null = null
  #number = 0
  #isClosed = false

  constructor(backend: SchnorrBackend, events: ThreadEvents) {
    this.#backend = backend
    this.#events = events
  }

  get isIdle(): boolean {
    return this.#jobs.size < 2
  }

  /** Checks events. A thread that died is started anew by the next call. */
  check(events: readonly NostrEvent[], done: Job): void {
    const number = ++this.#number
    const packed = pack(events)
    this.#jobs.set(number, done)
    this.#worker ??= this.#start()
    this.#worker.ref()
    this.#worker.postMessage({ number, packed }, [packed.buffer])
  }

  /** Stops it. */
  async close(): Promise<void> {
    this.#isClosed = true
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
    this.#abandon()
  }

  #start(): Worker {
    const options = { workerData: this.#backend }
    const worker = isSource
      ? new Worker(fromSource, { ...options, eval: true })
      : new Worker(program, options)
    worker.on('message', ({ number, verdicts }: BatchVerdicts) => this.#finish(worker, number, verdicts))
    worker.on('error', (error) => this.#died(worker, error))
    worker.on('exit', (code) => this.#died(worker, new Error(`exit code ${code}`)))
    return worker
  }

  #finish(worker: Worker, number: number, verdicts: Uint8Array): void {
    const job = this.#jobs.get(number)
    this.#jobs.delete(number)
    // Without work it does not keep the process alive.
    if (this.#jobs.size === 0) worker.unref()
    job?.(Array.from(verdicts, (valid) => (valid === 1 ? 'valid' : 'bad-signature')))
    this.#events.idle()
  }

  #died(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = null
    if (!this.#isClosed) this.#events.died(error)
    this.#abandon()
    this.#events.idle()
  }

  #abandon(): void {
    const jobs = [...this.#jobs.values()]
    this.#jobs.clear()
    jobs.forEach((done, index) => done(index === 0 ? 'in-work-when-ended' : 'not-begun'))
  }
}
