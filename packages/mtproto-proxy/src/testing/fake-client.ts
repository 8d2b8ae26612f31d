import type { ConnId } from '../wire/rpc.js'

/** A client of the proxy, as a middle proxy sees it: one connection id on one connection. */
export interface FakeClient {
  readonly connId: ConnId
  /** `IP:PORT` as the proxy says, IPv6 in brackets. */
  readonly address: string
  /** `IP:PORT` that the proxy says it has itself. */
  readonly ourAddress: string
  /** In hexadecimal, or `null`. */
  readonly adTag: string | null
  /** Of the latest request; see `requestFlags`. */
  readonly flags: number
  readonly requests: number
  /** Requests whose answers have been written, answers that nobody asked for not counted. */
  readonly answered: number
  /** How often the proxy said that this client is gone. */
  readonly closeConns: number
  /** Who ended it: the proxy by RPC_CLOSE_CONN, Telegram by RPC_CLOSE_EXT, or the end of the connection. */
  readonly closed: 'by-proxy' | 'by-telegram' | 'with-connection' | null
}
