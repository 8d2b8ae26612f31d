import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { bundle } from '../../../bench/bundle.js'
import { firstHead, microseconds } from './row.js'
import type { Answer, Report, Request } from './subscribers.program.js'

/** Something that passes rows on to many. */
export interface Feeder extends AsyncDisposable {
  readonly protocol: 'replication' | 'redis'
  readonly port: number
  /** Passes on `count` rows, all made at `stamp`; the first has the token `token`. */
  append(token: number, count: number, stamp: number): void
  /** Seconds of processor time that the serving process has taken. */
  cpuSeconds(): number
}

/** Rows that are appended in one turn of the loop: as many as Synapse’s server takes of a stream at a time. */
export const groupRows = 100
/** Time that a rate is measured for, after the same time of running warm, in milliseconds. */
const measuredMs = 300
const latencyMs = 600
/** A row that takes so long, in milliseconds, is lost. */
const lostAfterMs = 20_000

/** What a fan-out came to. */
export interface Rates {
  /** Rows times subscribers, for a second of the server's processor time. */
  readonly perCpuSecond: number
  readonly perSecond: number
  readonly report: Report
}

/** Latencies, and what part of them is no more than our own process standing still. */
export interface Steady {
  readonly report: Report
  /** Pauses for garbage collection in the process that makes and feeds the rows: the longest in ms, all in percent. */
  readonly longestPause: number
  readonly paused: number
}

/** Drives a feeder, and the process that counts what it delivers. */
export class FanOut implements AsyncDisposable {
  readonly #feeder: Feeder
  readonly #subscribers: ChildProcess
  #head = firstHead
  #count = 0
  #every = 0
  #passed = firstHead
  #waiting: (() => void) | null = null

  private constructor(feeder: Feeder, subscribers: ChildProcess) {
    this.#feeder = feeder
    this.#subscribers = subscribers
    subscribers.on('message', (answer: Answer) => {
      if (answer.kind !== 'passed') return
      this.#passed = answer.token
      this.#waiting?.()
    })
  }

  static async of(feeder: Feeder): Promise<FanOut> {
    const program = await bundle('packages/tcp-replication/bench/subscribers.program.ts')
    return new FanOut(feeder, fork(program))
  }

  async subscribe(count: number): Promise<void> {
    const { protocol, port } = this.#feeder
    this.#count = count
    this.#every = Math.max(groupRows, Math.floor(1000 / count))
    this.#passed = this.#head
    await this.#ask({ kind: 'open', protocol, port, count, head: this.#head, every: this.#every }, 'ready')
  }

  /** As fast as the slowest subscriber takes rows: no more than four groups of acknowledgements ahead of it. */
  async fastest(): Promise<Rates> {
    await this.#appendFor(measuredMs)
    const head = this.#head
    const cpu = this.#feeder.cpuSeconds()
    const began = performance.now()
    await this.#appendFor(measuredMs)
    const seconds = (performance.now() - began) / 1000
    const deliveries = (this.#head - head) * this.#count
    return {
      perCpuSecond: deliveries / (this.#feeder.cpuSeconds() - cpu),
      perSecond: deliveries / seconds,
      report: await this.#report(),
    }
  }

  /** Latencies at a rate in rows a second, whatever the subscribers do. */
  async steady(rate: number): Promise<Steady> {
    await this.#appendAt(rate, latencyMs / 4)
    const pauses: number[] = []
    const observer = new PerformanceObserver((list) =>
      pauses.push(...list.getEntries().map(({ duration }) => duration)),
    )
    observer.observe({ entryTypes: ['gc'] })
    this.#subscribers.send({ kind: 'measure-latency' } satisfies Request)
    await this.#appendAt(rate, latencyMs)
    await this.#allPassed()
    observer.disconnect()
    const all = pauses.reduce((sum, pause) => sum + pause, 0)
    return {
      report: await this.#report(),
      longestPause: Math.max(0, ...pauses),
      paused: (100 * all) / latencyMs,
    }
  }

  async #appendFor(ms: number): Promise<void> {
    const until = performance.now() + ms
    do {
      while (this.#head - this.#passed >= 4 * this.#every) await this.#acknowledged()
      this.#append(groupRows)
      await turn()
    } while (performance.now() < until)
    await this.#allPassed()
  }

  async #appendAt(rate: number, ms: number): Promise<void> {
    const began = performance.now()
    let appended = 0
    for (let passed = 0; passed < ms; passed = performance.now() - began) {
      const due = Math.floor((passed / 1000) * rate)
      if (due > appended) this.#append(due - appended)
      appended = due
      await sleep(1)
    }
  }

  #append(count: number): void {
    this.#feeder.append(this.#head + 1, count, microseconds())
    this.#head += count
  }

  /** Rows are acknowledged in groups: fills up the last one. */
  async #allPassed(): Promise<void> {
    const missing = (this.#passed - this.#head) % this.#every
    if (missing !== 0) this.#append(missing + (missing < 0 ? this.#every : 0))
    while (this.#passed < this.#head) await this.#acknowledged()
  }

  async #acknowledged(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const lost = (): void => reject(new Error(`not all ${this.#count} have what follows ${this.#passed}`))
      const timer = setTimeout(lost, lostAfterMs)
      this.#waiting = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#waiting = null
  }

  async #report(): Promise<Report> {
    const answer = await this.#ask({ kind: 'report' }, 'report')
    if (answer.kind !== 'report') throw new Error(answer.kind)
    return answer.report
  }

  async #ask(request: Request, expected: Answer['kind']): Promise<Answer> {
    this.#subscribers.send(request)
    for (;;) {
      const [answer] = (await once(this.#subscribers, 'message')) as [Answer]
      if (answer.kind === expected) return answer
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscribers.disconnect()
    await once(this.#subscribers, 'exit')
    await this.#feeder[Symbol.asyncDispose]()
  }
}
