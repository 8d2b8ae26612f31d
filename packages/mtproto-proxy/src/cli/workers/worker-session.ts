import {
  type Clock,
  type DrainReport,
  end,
  HoldfastError,
  type LinkProtocol,
  type LinkScope,
  type Millis,
} from '@holdfast/core'
import type {
  FromWorker,
  ToldError,
  ToldListener,
  ToWorker,
  WorkerAnswers,
  WorkerRequest,
  WorkerStart,
} from './messages.js'

/** What a session tells its {@link Worker}. */
export interface WorkerSessionOwner {
  readonly clock: Clock
  /** As it is to be started now. */
  start(): WorkerStart
  /** It could not start. */
  failed(error: HoldfastError): void
  /** It has drained. */
  drained(report: DrainReport): void
}

interface Question {
  readonly resolve: (answer: never) => void
  readonly reject: (error: HoldfastError) => void
}

/** How much sooner than its parent a worker gives up draining, so that its report arrives, in milliseconds. */
const reportMargin: Millis = 300

/** One child process, while it lives: starts it, asks it, drains it. */
export class WorkerSession implements LinkProtocol {
  readonly #scope: LinkScope
  readonly #owner: WorkerSessionOwner
  readonly #name: string
  readonly #questions = new Map<number, Question>()
  #lastQuestion = 0
  #pid = 0
  #listeners: readonly ToldListener[] = []
  /** Drained when its clients are gone. */
  readonly #busy

  constructor(scope: LinkScope, owner: WorkerSessionOwner) {
    const { name } = owner.start()
    this.#scope = scope
    this.#owner = owner
    this.#name = name
    this.#busy = scope.gate.enter(name)
  }

  /** 0 before it is ready. */
  get pid(): number {
    return this.#pid
  }

  get listeners(): readonly ToldListener[] {
    return this.#listeners
  }

  /**
   * Asks the process.
   *
   * @throws a `HoldfastError`: what it refuses with, or `HF_MTPROTO_WORKER_FAILED` when it ends instead
   */
  ask<R extends WorkerRequest>(request: R): Promise<WorkerAnswers[R['kind']]> {
    this.#lastQuestion += 1
    const id = this.#lastQuestion
    return new Promise((resolve, reject) => {
      this.#questions.set(id, { resolve, reject })
      this.#tell({ kind: 'ask', id, request })
    })
  }

  /** Has it drained, and another one started in its place. */
  replace(within: Millis): void {
    this.#scope.peerDrains(within)
  }

  message(text: Uint8Array | string): void {
    const message = JSON.parse(String(text)) as FromWorker
    switch (message.kind) {
      case 'hello':
        this.#tell({ kind: 'start', start: this.#owner.start() })
        return
      case 'ready':
        this.#pid = message.pid
        this.#listeners = message.listeners
        this.#scope.ready()
        return
      case 'failed': {
        const error = asError(message.error)
        this.#owner.failed(error)
        this.#scope.fail(end('handshake-refused', { code: error.code, detail: error.message }))
        return
      }
      case 'answered':
        this.#take(message.id)?.resolve(message.answer as never)
        return
      case 'refused':
        this.#take(message.id)?.reject(asError(message.error))
        return
      case 'drained':
        this.#owner.drained(message.report)
        // A client may have been handed to it meanwhile, and hangs for ever if it ends before it has handed it back.
        this.#tell({ kind: 'last' })
        return
      case 'last':
        this.#busy?.done()
    }
  }

  retire(deadline: Millis): void {
    this.#tell({ kind: 'drain', within: Math.max(1, deadline - this.#owner.clock.now() - reportMargin) })
  }

  ended(): void {
    const error = new HoldfastError(
      'HF_MTPROTO_WORKER_FAILED',
      `${this.#name} ended before it had answered; its log says why, and it is started again`,
    )
    for (const { reject } of this.#questions.values()) reject(error)
    this.#questions.clear()
  }

  #take(id: number): Question | undefined {
    const question = this.#questions.get(id)
    this.#questions.delete(id)
    return question
  }

  #tell(message: ToWorker): void {
    this.#scope.link.write(JSON.stringify(message))
  }
}

function asError({ code, message }: ToldError): HoldfastError {
  return new HoldfastError(code, message)
}
