import { CommandError, httpUrl } from '@holdfast/core/program'
import { Option } from 'commander'
import { programName, variablePrefix } from './program-name.js'

/** The address of the running program, for commands that talk to it. */
export function adminOption(): Option {
  return new Option('--admin <address>', 'its admin address, HOST:PORT or a URL')
    .argParser(httpUrl)
    .default('http://127.0.0.1:8889')
    .env(`${variablePrefix}_ADMIN_URL`)
}

/**
 * Asks a running program.
 *
 * @throws a `CommandError` when nobody answers, or answers that it cannot
 */
export async function askAdmin(
  admin: string,
  path: string,
  method: 'GET' | 'POST' | 'DELETE' = 'GET',
): Promise<unknown> {
  let answer: Response
  let body: unknown
  try {
    answer = await fetch(new URL(path, admin), { method })
    body = await answer.json()
  } catch (cause) {
    const why = cause instanceof Error && cause.cause instanceof Error ? ` (${cause.cause.message})` : ''
    throw new CommandError(
      `no ${programName} answers at ${admin}${why}: is it running, and is this the address of its option admin?`,
      { cause },
    )
  }
  if (answer.ok) return body
  const { error = `HTTP ${answer.status}` } = body as { error?: string }
  throw new CommandError(error)
}
