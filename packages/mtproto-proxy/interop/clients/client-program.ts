import { createInterface } from 'node:readline'

/** What a client program is told, as JSON in its only argument. */
export interface ClientTask {
  /** Where the client's packages are installed. */
  readonly packages: string
  /** A folder for whatever it keeps. */
  readonly directory: string
  readonly host: string
  readonly port: number
  /** As a link has it. */
  readonly secret: string
  /** The key of the embedded Telegram. */
  readonly publicKey: { readonly pem: string; readonly fingerprint: string }
}

/** What a client program tells, one a line as JSON on its standard output. */
export type ClientReport =
  /** It has done all that it does by itself, and goes on with what is asked of it. */
  | { readonly kind: 'ready'; readonly detail: string }
  /** Calls that it made, one after another, since it last told. */
  | { readonly kind: 'called'; readonly answered: number; readonly failed: readonly string[] }
  | { readonly kind: 'failed'; readonly error: string }

/** The task of this process. */
export function clientTask(): ClientTask {
  return JSON.parse(process.argv[2] ?? '') as ClientTask
}

/** A module among the clients' packages that imports for us: what it imports is looked for there. */
export const loaderName = 'load.mjs'

/** Loads a package that is installed for the clients and for nobody else. */
export async function load(task: ClientTask, name: string): Promise<object> {
  const loader = (await import(`${task.packages}/${loaderName}`)) as {
    load: (name: string) => Promise<object>
  }
  const loaded: { readonly default?: object } = await loader.load(name)
  return { ...loaded.default, ...loaded }
}

/** Tells the parent. */
export function report(what: ClientReport): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

/** Runs a client program to its end; it may leave timers and sockets behind. */
export async function runClient(program: () => Promise<void>): Promise<never> {
  try {
    await program()
  } catch (error) {
    report({ kind: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
  process.exit(0)
}

/** Calls again and again; at each line of the parent's it tells how the calls since the last one went. */
export async function callUntilTold(call: () => Promise<unknown>): Promise<void> {
  const lines = createInterface({ input: process.stdin })
  let told: 'count' | 'stop' | null = null
  lines.on('line', (line) => {
    told = line === 'stop' ? 'stop' : 'count'
  })
  const isTold = (): typeof told => told
  for (let isOver = false; !isOver; ) {
    let answered = 0
    const failed: string[] = []
    told = null
    while (isTold() === null) {
      try {
        await inTime(call())
        answered += 1
      } catch (error) {
        failed.push(String(error))
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    isOver = isTold() === 'stop'
    report({ kind: 'called', answered, failed })
  }
  lines.close()
}

/** What a client does about an answer that never comes takes a minute: until then it is called lost. */
async function inTime(call: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer within 3 s')), 3000)
  })
  try {
    await Promise.race([call, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
