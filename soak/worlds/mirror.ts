import { join } from 'node:path'
import { nodeEnv } from '../../packages/core/src/node/index.js'
import { showPause as pause } from '../../packages/core/src/service/index.js'
import { ChaosProxy } from '../../packages/core/src/testing/index.js'
import { nostrMirror, openLmdbStore, startVerifier } from '../../packages/nostr-sync/src/index.js'
import { embeddedRelay, TestAuthor } from '../../packages/nostr-sync/src/testing/index.js'
import type { World } from '../world.js'

const domain = 'soak.example'

/** A relay behind a line that fails, and a mirror of it. Its repository's state is replaced all the time: nothing piles up. */
export async function start(folder: string): Promise<World> {
  const env = nodeEnv({ name: 'mirror' })
  const { clock } = env
  const verifier = await startVerifier({ env, workers: 1 })
  const relay = await embeddedRelay({ env, verifier })
  const line = await ChaosProxy.start({ to: Number(new URL(relay.url).port) })
  const url = `ws://127.0.0.1:${line.port}`
  const store = await openLmdbStore({ path: join(folder, 'events') })
  const alice = new TestAuthor('alice')
  const now = (): number => Math.floor(clock.wall() / 1000)
  const names = ['red', 'green', 'blue']
  for (const name of names) {
    const relays = [`wss://${domain}`, url]
    await relay.publish(
      alice.announces(name, { created_at: now() - 100, relays, clone: [`https://${domain}/${name}.git`] }),
    )
  }
  const followed = await nostrMirror({
    ...{ env, store, verifier, domains: [domain], bootstrapRelays: [url], allowPrivateTargets: true },
    batchWindow: 500,
    // Faults come every few seconds: were a connection to last for the usual minute, every delay would be longer than the last.
    relay: { backoff: { base: 500, cap: 4000 }, stableAfter: 500 },
  })
  let done = 0
  const off = store.onChange(({ kind }) => {
    if (kind === 'saved') done += 1
  })
  followed.start()
  let turn = 0
  // Each less than once a second: the newer one of a second would not replace the older one. And not more often: a relay keeps 16 MB
  // of what it saved last, which are not to fill up while growth is looked for.
  const writing = clock.sweep(2000, () => {
    turn += 1
    const name = names[turn % names.length] ?? 'red'
    const tags = [
      ['d', name],
      ['refs/heads/main', turn.toString(16).padStart(40, '0')],
    ]
    void relay.publish(alice.signs({ kind: 30_618, created_at: now(), tags, content: '' }))
  })
  return {
    get done() {
      return done
    },
    faults: [
      () => {
        line.reset()
        return Promise.resolve()
      },
      async () => {
        line.rules.newcomers = 'refuse'
        line.reset()
        await pause(clock, 3000)
        line.rules.newcomers = 'forward'
      },
      () => {
        line.finish()
        return Promise.resolve()
      },
      async () => {
        line.freeze()
        await pause(clock, 3000)
        line.reset()
      },
    ],
    async [Symbol.asyncDispose]() {
      writing.cancel()
      off()
      await followed[Symbol.asyncDispose]()
      await line[Symbol.asyncDispose]()
      await relay[Symbol.asyncDispose]()
      await verifier[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}
