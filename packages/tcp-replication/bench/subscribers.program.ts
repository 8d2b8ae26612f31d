/**
 * The subscribers: a process of its own that counts rows by their number. It is told what to do by its parent, and
 * tells how far the slowest of them is.
 */
import { connect, type Socket } from 'node:net'
import { digitsAt, lineBytes, microseconds, stampAt, stampDigits, tokenAt, tokenDigits } from './row.js'

/** What the parent may ask. */
export type Request =
  /** Subscribe `count` times from `head` on, and tell when all have passed each `every` rows. */
  | {
      readonly kind: 'open'
      readonly protocol: 'replication' | 'redis'
      readonly port: number
      readonly count: number
      readonly head: number
      readonly every: number
    }
  | { readonly kind: 'measure-latency' }
  | { readonly kind: 'report' }

/** What it is told. */
export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'passed'; readonly token: number }
  | { readonly kind: 'report'; readonly report: Report }

export interface Report {
  /** Rows that were the next of their subscriber, and rows that were not. */
  readonly rows: number
  readonly astray: number
  /** In ms; of rows since latency began to be measured. */
  readonly p50: number
  readonly p99: number
}

/** One bin for each microsecond up to a second; the last is all above. */
const bins = new Uint32Array(1_000_001)
let isTimed = false
let rows = 0
let astray = 0
let subscribers: Subscriber[] = []
let milestone = 0
let every = 1
let passed = 0

abstract class Subscriber {
  readonly socket: Socket
  /** Called once rows will come. */
  readonly #opened: () => void
  token: number
  #next = milestone
  #kept = Buffer.alloc(0)

  constructor(port: number, head: number, opened: () => void) {
    this.token = head
    this.#opened = opened
    this.socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      // One buffer for all: what is left of a chunk is copied.
      onread: {
        buffer: shared,
        callback: (length, buffer) => {
          this.#take(buffer.subarray(0, length) as Buffer)
          return true
        },
      },
    })
    this.socket.once('connect', () => this.ask())
    this.socket.on('error', (error) => {
      throw error
    })
  }

  #take(chunk: Buffer): void {
    const bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk])
    const end = this.read(bytes, isTimed ? microseconds() : 0)
    this.#kept = end === bytes.length ? nothing : Buffer.from(bytes.subarray(end))
    while (this.token >= this.#next) {
      this.#next += every
      pass()
    }
  }

  protected opened(): void {
    this.#opened()
  }

  protected abstract ask(): void

  /** @returns how much was read */
  protected abstract read(bytes: Buffer, now: number): number

  protected row(bytes: Buffer, at: number, now: number): void {
    const token = digitsAt(bytes, at + tokenAt, tokenDigits)
    if (token === this.token + 1) rows += 1
    else astray += 1
    this.token = token
    if (now === 0) return
    const took = now - digitsAt(bytes, at + stampAt, stampDigits)
    const bin = Math.min(Math.max(took, 0), bins.length - 1)
    bins[bin] = (bins[bin] ?? 0) + 1
  }
}

const nothing = Buffer.alloc(0)
const shared = Buffer.alloc(262_144)

class Replica extends Subscriber {
  protected ask(): void {
    this.socket.write('NAME bench\nREPLICATE events NOW\n')
  }

  protected read(bytes: Buffer, now: number): number {
    let at = 0
    for (;;) {
      if (bytes[at] === 82 && bytes[at + 1] === 68) {
        if (at + lineBytes > bytes.length) return at
        this.row(bytes, at, now)
        at += lineBytes
      } else {
        const end = bytes.indexOf(10, at)
        if (end < 0) return at
        if (bytes[at] === 80 && bytes[at + 1] === 79) this.opened()
        at = end + 1
      }
    }
  }
}

const entryBytes = `*2\r\n$9\r\n1000001-1\r\n*2\r\n$1\r\nl\r\n$${lineBytes}\r\n`.length + lineBytes + 2

class Reader extends Subscriber {
  /** Entries that the present answer still brings. */
  #left = 0

  protected ask(): void {
    this.socket.write(`XREAD COUNT 1000 BLOCK 0 STREAMS s ${this.token}-1\r\n`)
    // What is appended before it is heard comes too, because it says where it stands.
    this.opened()
  }

  protected read(bytes: Buffer, now: number): number {
    let at = 0
    for (;;) {
      if (this.#left === 0) {
        const start = at + '*1\r\n*2\r\n$1\r\ns\r\n*'.length
        const end = bytes.indexOf(10, start)
        if (end < 0) return at
        this.#left = Number(bytes.toString('latin1', start, end - 1))
        if (!(this.#left > 0)) throw new Error(bytes.toString('latin1', at, end))
        at = end + 1
      }
      while (this.#left > 0) {
        if (at + entryBytes > bytes.length) return at
        this.row(bytes, at + entryBytes - lineBytes - 2, now)
        at += entryBytes
        this.#left -= 1
      }
      this.ask()
      if (at === bytes.length) return at
    }
  }
}

function pass(): void {
  passed += 1
  if (passed < subscribers.length) return
  passed -= subscribers.length
  tell({ kind: 'passed', token: milestone })
  milestone += every
}

function tell(answer: Answer): void {
  process.send?.(answer)
}

async function open(request: Request & { kind: 'open' }): Promise<void> {
  const { protocol, port, count, head } = request
  for (const { socket } of subscribers) socket.destroy()
  every = request.every
  milestone = head + every
  passed = rows = astray = 0
  isTimed = false
  bins.fill(0)
  subscribers = []
  for (let index = 0; index < count; index += 1) {
    const Kind = protocol === 'redis' ? Reader : Replica
    await new Promise<void>((opened) => subscribers.push(new Kind(port, head, opened)))
  }
  tell({ kind: 'ready' })
}

/** Milliseconds within which a part of the rows came. */
function percentile(part: number): number {
  const all = bins.reduce((sum, each) => sum + each, 0)
  let sum = 0
  return bins.findIndex((each) => (sum += each) >= all * part) / 1000
}

process.on('message', (request: Request) => {
  switch (request.kind) {
    case 'open':
      void open(request)
      break
    case 'measure-latency':
      bins.fill(0)
      isTimed = true
      break
    case 'report':
      tell({ kind: 'report', report: { rows, astray, p50: percentile(0.5), p99: percentile(0.99) } })
  }
})
process.on('disconnect', () => process.exit())
