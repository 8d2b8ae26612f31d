import { CommandError, httpUrl, linesOf } from '@holdfast/core/program'
import { Command, Option } from 'commander'
import type { Appended } from './control-endpoint.js'
import { programName, variablePrefix } from './program-name.js'

interface AppendFlags {
  readonly to: string
  readonly httpSecret?: string
  readonly token?: string
  readonly batch?: boolean
  readonly json?: boolean
}

/** `append`: rows for a running server. */
export function appendCommand(): Command {
  return new Command()
    .argument('<stream>', 'the stream')
    .argument(
      '[rows...]',
      'rows of JSON; all of them are one batch. Without any, they come on standard input, each line a batch',
    )
    .option('-t, --to <url>', 'the HTTP address of the server', httpUrl, 'http://127.0.0.1:9093')
    .addOption(
      new Option('--http-secret <secret>', 'that of the server, if it has one').env(
        `${variablePrefix}_HTTP_SECRET`,
      ),
    )
    .option('--token <n>', "the batch's token (default: one above the newest)")
    .option('--batch', 'everything on standard input is one batch, not each line')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(async (stream: string, rows: string[], flags: AppendFlags) => {
      const target: Target = { stream, flags }
      if (rows.length > 0) await appendBatch(target, rows)
      else if (flags.batch === true) await appendBatch(target, await all(linesOf(process.stdin)))
      else await new LineAppender(target).run(linesOf(process.stdin))
    })
}

const examples = `
Examples:
  $ ${programName} append typing '["!room:x",["@alice:x"]]'
  $ ${programName} append caches --batch < rows.jsonl`

interface Target {
  readonly stream: string
  readonly flags: AppendFlags
}

async function appendBatch(target: Target, rows: readonly string[]): Promise<void> {
  const { tokens, error } = await post(target, rows)
  print(target, tokens)
  if (error !== undefined) throw new CommandError(error)
}

interface Line {
  readonly number: number
  readonly text: string
}

/** What one request takes at most, unless a single line is longer. */
const mostLines = 10_000
const mostChars = 1024 * 1024

/** Appends lines, each a batch of its own; those that come while a request is under way go into the next one together. */
class LineAppender {
  readonly #target: Target
  #waiting: Line[] = []
  #chars = 0
  #stored = 0
  #sending: Promise<void> | null = null

  constructor(target: Target) {
    this.#target = target
  }

  /** @throws (rejects) a `CommandError` at the first line that cannot be appended, without waiting for more */
  run(lines: AsyncIterable<string>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#read(lines, reject).then(resolve, reject)
    })
  }

  async #read(lines: AsyncIterable<string>, fail: (cause: unknown) => void): Promise<void> {
    let number = 0
    for await (const text of lines) {
      number += 1
      if (text.trim() === '') continue
      this.#waiting.push({ number, text })
      this.#chars += text.length
      if (this.#sending === null) {
        this.#sending = this.#sendAll()
        // Told at once: the next line may be long in coming.
        this.#sending.catch(fail)
      }
      if (this.#waiting.length >= mostLines || this.#chars >= mostChars) await this.#sending
    }
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting
      this.#waiting = []
      this.#chars = 0
      await this.#send(lines)
    }
    this.#sending = null
  }

  async #send(lines: readonly Line[]): Promise<void> {
    const { tokens, error } = await post(
      this.#target,
      lines.map(({ text }) => text),
      { each: true },
    )
    print(this.#target, tokens)
    this.#stored += tokens.length
    const atFault = lines[tokens.length]
    if (error === undefined || atFault === undefined) return
    const stored = this.#stored === 0 ? 'nothing is stored' : `stored before it: ${this.#stored}`
    throw new CommandError(`line ${atFault.number} of standard input: ${error}; ${stored}`)
  }
}

function print({ stream, flags: { json } }: Target, tokens: readonly number[]): void {
  const lineOf = (token: number): string =>
    json === true ? `${JSON.stringify({ stream, token })}\n` : `${stream} ${token}\n`
  process.stdout.write(tokens.map(lineOf).join(''))
}

async function post(
  { stream, flags: { to, token, httpSecret } }: Target,
  rows: readonly string[],
  { each = false } = {},
): Promise<Appended> {
  const url = new URL('/append', to)
  url.searchParams.set('stream', stream)
  if (token !== undefined) url.searchParams.set('token', token)
  if (each) url.searchParams.set('each', '')
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      body: rows.join('\n'),
      ...(httpSecret !== undefined && { headers: { authorization: `Bearer ${httpSecret}` } }),
    })
  } catch (cause) {
    throw new CommandError(`no server answers at ${to}: start one with "serve --http HOST:PORT"`, { cause })
  }
  const { tokens = [], error } = (await response.json()) as Partial<Appended>
  if (response.ok) return { tokens }
  return { tokens, error: error ?? `HTTP ${response.status}` }
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const line of lines) if (line.trim() !== '') found.push(line)
  return found
}
