import type { IncomingMessage, ServerResponse } from 'node:http'
import { HoldfastError } from '@holdfast/core'
import {
  answerMetrics,
  type HttpEndpoint,
  type MetricsSource,
  replyJson,
  serveHttp,
} from '@holdfast/core/service'
import type { Tables } from '../policy/tables.js'

/** What the admin endpoint answers from. */
export interface AdminOptions {
  /** `HOST:PORT`, or a port on loopback. */
  readonly at: string
  readonly registry: MetricsSource
  readonly state: () => object | Promise<object>
  /** Reads the configuration again; rejects if it is wrong and nothing was changed. */
  readonly reload: () => Promise<object>
  /** The tables; `null` on a half that has none. */
  readonly tables: AdminTables | null
  /** Replaces the workers, for a proxy that has them. */
  readonly restart?: (o: { readonly withBack: boolean }) => Promise<object>
}

/** Tables of this process, or of another one that is asked. */
export type AdminTables = {
  readonly [Name in 'sizes' | 'entries' | 'add' | 'delete']: (
    ...given: Parameters<Tables[Name]>
  ) => ReturnType<Tables[Name]> | Promise<ReturnType<Tables[Name]>>
}

/**
 * Serves `GET /metrics` and `GET /state`, `POST /reload`, and tables: `GET /tables`, `GET /tables/NAME`, and `POST` or `DELETE`
 * of `/tables/NAME?entry=…`; of workers also `POST /restart`. Answers are JSON; one that says no has `error`.
 *
 * @throws a `HoldfastError` `HF_LISTEN_FAILED`
 */
export function serveAdmin(options: AdminOptions): Promise<HttpEndpoint> {
  return serveHttp({
    at: options.at,
    option: 'admin',
    handle: (request, response) => {
      answer(options, request, response).catch((failure: unknown) => {
        const isExpected = failure instanceof HoldfastError
        replyJson(response, isExpected ? 409 : 500, {
          error: failure instanceof Error ? failure.message : String(failure),
        })
      })
    },
  })
}

async function answer(
  options: AdminOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '' } = request
  const target = `http://admin${request.url ?? ''}`
  const { pathname, searchParams } = new URL(URL.canParse(target) ? target : 'http://admin/')
  const [, first = '', name] = /^\/(\w+)(?:\/([\w.-]+))?$/.exec(pathname) ?? []
  const asked = `${method} ${first}`
  if (first === 'metrics') answerMetrics(options.registry, request, response)
  else if (asked === 'GET state') replyJson(response, 200, await options.state())
  else if (asked === 'POST reload') replyJson(response, 200, await options.reload())
  else if (asked === 'POST restart' && options.restart !== undefined) {
    replyJson(response, 200, await options.restart({ withBack: searchParams.has('with-back') }))
  } else if (first === 'tables' && options.tables !== null) {
    const entry = searchParams.get('entry')
    replyJson(response, 200, await onTables(options.tables, { method, name, entry }))
  } else replyJson(response, 404, { error: `there is no ${method} ${pathname} here` })
}

interface TableRequest {
  readonly method: string
  readonly name: string | undefined
  readonly entry: string | null
}

async function onTables(tables: AdminTables, { method, name, entry }: TableRequest): Promise<object> {
  if (method === 'GET') return name === undefined ? tables.sizes() : { entries: await tables.entries(name) }
  if (name === undefined || entry === null || entry.trim() === '') {
    throw new HoldfastError('HF_BAD_REQUEST', 'name the table and the entry: /tables/NAME?entry=…')
  }
  if (method === 'POST') return { changed: await tables.add(name, entry.trim()) }
  if (method === 'DELETE') return { changed: await tables.delete(name, entry.trim()) }
  throw new HoldfastError('HF_BAD_REQUEST', `${method} is nothing that can be done to a table`)
}
