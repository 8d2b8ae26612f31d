import { randomBytes } from 'node:crypto'
import type { SynapseMain } from './synapse-process.js'

/** One page of a stream, from the HTTP catch-up of the second dialect. */
export interface StreamUpdates {
  readonly updates: readonly (readonly [token: number, row: unknown])[]
  readonly upto_token: number
  /** There is more: ask again from `upto_token`. */
  readonly limited: boolean
}

/** Asks a 1.66.0 main process for the rows with `from` < token <= `upto`. */
export async function fetchStreamUpdates(
  main: SynapseMain,
  stream: string,
  from: number,
  upto: number,
): Promise<StreamUpdates> {
  const request = randomBytes(8).toString('hex')
  const path = `/_synapse/replication/get_repl_stream_updates/${stream}/${request}`
  const response = await fetch(`${main.baseUrl}${path}?from_token=${from}&upto_token=${upto}`, {
    signal: AbortSignal.timeout(30_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
  return JSON.parse(text) as StreamUpdates
}
