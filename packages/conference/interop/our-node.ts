import { randomBytes } from 'node:crypto'
import { nodeEnv } from '@holdfast/core/node'
import { filter, firstValueFrom, ReplaySubject, timeout } from 'rxjs'
import type { ConferenceNews, ToxNews, ToxNode, ToxNodeOptions } from '../src/index.js'
import { toxNode } from '../src/index.js'

/** What a node of ours tells, of conferences and otherwise. */
type News = ToxNews | { readonly kind: 'conference'; readonly news: ConferenceNews }

/** A node of ours on loopback. */
export class OurNode implements AsyncDisposable {
  readonly node: ToxNode
  readonly secretKey: Uint8Array
  readonly #news$: ReplaySubject<News>

  private constructor(node: ToxNode, secretKey: Uint8Array, news$: ReplaySubject<News>) {
    this.node = node
    this.secretKey = secretKey
    this.#news$ = news$
  }

  static async start(name: string, options: Partial<ToxNodeOptions> = {}): Promise<OurNode> {
    const news$ = new ReplaySubject<News>(1000)
    const secretKey = options.secretKey ?? randomBytes(32)
    const node = await toxNode({
      env: nodeEnv({ name }),
      listen: { host: '127.0.0.1', port: 0 },
      profile: { name },
      ...options,
      secretKey,
      tell: (told) => news$.next(told),
    })
    node.conferences.events$.subscribe({ next: (told) => news$.next({ kind: 'conference', news: told }) })
    return new OurNode(node, secretKey, news$)
  }

  /** Waits for news that it has told or will tell. */
  told(what: string, isIt: (news: News) => boolean, withinMs = 30_000): Promise<News> {
    return firstValueFrom(
      this.#news$.pipe(
        filter(isIt),
        timeout({
          first: withinMs,
          with: () => {
            throw new Error(`${what}: not told within ${withinMs} ms`)
          },
        }),
      ),
    )
  }

  /** Waits until a friend is online. */
  online(realKey: string): Promise<News> {
    return this.told('a friend is online', (news) => {
      return news.kind === 'friend' && news.friend.realKey === realKey && news.friend.isOnline
    })
  }

  /** Waits for something in a conference. */
  conference<K extends ConferenceNews['kind']>(
    kind: K,
    isIt: (news: ConferenceNews & { readonly kind: K }) => boolean = () => true,
    withinMs?: number,
  ): Promise<ConferenceNews & { readonly kind: K }> {
    const isWanted = (news: News): boolean =>
      news.kind === 'conference' && news.news.kind === kind && isIt(news.news as never)
    return this.told(kind, isWanted, withinMs).then(
      (news) => (news as { readonly news: ConferenceNews }).news as ConferenceNews & { readonly kind: K },
    )
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.node.close()
  }
}
