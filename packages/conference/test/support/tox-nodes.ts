import { randomBytes } from 'node:crypto'
import { type Env, silentLog } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import type { ConferenceNews } from '../../src/group/events.js'
import { type ToxNode, toxNode } from '../../src/tox/node.js'
import type { ToxNews, ToxNodeOptions } from '../../src/tox/node-options.js'

/** A node on loopback, and everything that it told. */
export interface TestNode extends AsyncDisposable {
  readonly node: ToxNode
  readonly news: ToxNews[]
  /** What its conferences told. */
  readonly conferenceNews: ConferenceNews[]
  /** Its place, for others to bootstrap from. */
  readonly place: {
    readonly dhtKey: string
    readonly address: { readonly host: string; readonly port: number }
  }
  /** Waits for news that it has told or will tell. */
  told<K extends ToxNews['kind']>(
    kind: K,
    isIt?: (news: ToxNews & { readonly kind: K }) => boolean,
  ): Promise<ToxNews & { readonly kind: K }>
  /** Waits for news of a conference that it has told or will tell. */
  conferenceTold(kind: ConferenceNews['kind']): Promise<ConferenceNews>
}

/** An environment on the host's clock. */
export function realEnv(name: string): Env {
  return nodeEnv({ name, log: silentLog })
}

/** Starts a node on loopback. */
export async function testNode(name: string, options: Partial<ToxNodeOptions> = {}): Promise<TestNode> {
  const news: ToxNews[] = []
  const watchers = new Set<() => void>()
  const node = await toxNode({
    env: realEnv(name),
    secretKey: randomBytes(32),
    listen: { host: '127.0.0.1', port: 0 },
    profile: { name },
    ...options,
    tell: (told) => {
      news.push(told)
      for (const watch of [...watchers]) watch()
    },
  })
  const conferenceNews: ConferenceNews[] = []
  node.conferences.events$.subscribe({
    next: (told) => {
      conferenceNews.push(told)
      for (const watch of [...watchers]) watch()
    },
  })
  const first = <T>(look: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const watch = (): void => {
        const found = look()
        if (found === undefined) return
        watchers.delete(watch)
        resolve(found)
      }
      watchers.add(watch)
      watch()
    })
  return {
    node,
    news,
    conferenceNews,
    place: { dhtKey: node.dhtKey, address: node.address ?? { host: '127.0.0.1', port: 1 } },
    told: (kind, isIt = () => true) => {
      type Wanted = ToxNews & { readonly kind: typeof kind }
      return first(() => news.find((one): one is Wanted => one.kind === kind && isIt(one as Wanted)))
    },
    conferenceTold: (kind) => first(() => conferenceNews.find((one) => one.kind === kind)),
    [Symbol.asyncDispose]: () => node.close(),
  }
}

/** Waits until a friend is online. */
export async function online(at: TestNode, friend: TestNode): Promise<void> {
  await at.told('friend', (news) => {
    return news.friend.realKey === friend.node.realKey && news.changed === 'isOnline' && news.friend.isOnline
  })
}
