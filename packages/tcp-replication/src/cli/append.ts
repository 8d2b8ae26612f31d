import { CommandError, httpUrl, linesOf } from '@holdfast/core/program'
import { Command } from 'commander'
import { programName } from './program-name.js'

interface AppendFlags {
  readonly to: string
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
      'rows of JSON; all of them are one batch. Without any, they come on standard input',
    )
    .option('-t, --to <url>', 'the HTTP address of the server', httpUrl, 'http://127.0.0.1:9093')
    .option('--token <n>', "the batch's token (default: one above the newest)")
    .option('--batch', 'everything on standard input is one batch, not each line')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(async (stream: string, rows: string[], flags: AppendFlags) => {
      const send = async (batch: readonly string[]): Promise<void> => {
        const token = await post(stream, batch, flags)
        process.stdout.write(
          flags.json === true ? `${JSON.stringify({ stream, token })}\n` : `${stream} ${token}\n`,
        )
      }
      if (rows.length > 0) await send(rows)
      else if (flags.batch === true) await send(await all(linesOf(process.stdin)))
      else for await (const line of linesOf(process.stdin)) if (line.trim() !== '') await send([line])
    })
}

const examples = `
Examples:
  $ ${programName} append typing '["!room:x",["@alice:x"]]'
  $ ${programName} append caches --batch < rows.jsonl`

async function post(stream: string, rows: readonly string[], { to, token }: AppendFlags): Promise<number> {
  const url = new URL(
    `/append?stream=${encodeURIComponent(stream)}${token === undefined ? '' : `&token=${token}`}`,
    to,
  )
  let response: Response
  try {
    response = await fetch(url, { method: 'POST', body: rows.join('\n') })
  } catch (cause) {
    throw new CommandError(`no server answers at ${to}: start one with "serve --http HOST:PORT"`, { cause })
  }
  const answer = (await response.json()) as { token?: number; error?: string }
  if (answer.token === undefined) throw new CommandError(answer.error ?? `HTTP ${response.status}`)
  return answer.token
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const line of lines) if (line.trim() !== '') found.push(line)
  return found
}
