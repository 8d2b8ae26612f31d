import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What {@link TelegramSite} serves. */
export interface SiteContent {
  /** The proxy secret. */
  readonly secret: () => Uint8Array
  /** The list of middle proxies. */
  readonly config: () => string
  /** The same by IPv6. */
  readonly configV6: () => string
}

/** Stands in for core.telegram.org, and for a service that tells a host its public address. */
export class TelegramSite implements AsyncDisposable {
  /** Answers with this status; other than 200 there is nothing else in the answer. */
  status = 200
  /** Takes requests and answers none. */
  isStalled = false
  /** Every request so far: path and user agent. */
  readonly requests: { readonly path: string; readonly userAgent: string }[] = []
  readonly #server: Server

  private constructor(content: SiteContent) {
    const pages: Readonly<Record<string, () => Uint8Array | string>> = {
      '/getProxySecret': content.secret,
      '/getProxyConfig': content.config,
      '/getProxyConfigV6': content.configV6,
      '/ip': () => '127.0.0.1\n',
    }
    this.#server = createServer((request, response) => {
      const [path = ''] = (request.url ?? '').split('?', 1)
      this.requests.push({ path, userAgent: request.headers['user-agent'] ?? '' })
      if (this.isStalled) return
      const page = pages[path]
      response.statusCode = page === undefined ? 404 : this.status
      response.end(response.statusCode === 200 ? page?.() : undefined)
    })
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(content: SiteContent): Promise<TelegramSite> {
    const site = new TelegramSite(content)
    site.#server.listen(0, '127.0.0.1')
    await once(site.#server, 'listening')
    return site
  }

  /** The addresses, as a configuration names them. */
  get urls(): {
    readonly secret: string
    readonly config: string
    readonly configV6: string
    readonly externalIp: string
  } {
    const base = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return {
      secret: `${base}/getProxySecret`,
      config: `${base}/getProxyConfig`,
      configV6: `${base}/getProxyConfigV6`,
      externalIp: `${base}/ip`,
    }
  }

  /** Stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server.close(), 'close')
    this.#server.closeAllConnections()
    await closed
  }
}
