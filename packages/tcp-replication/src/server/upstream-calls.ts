import type { Link, Off } from '@holdfast/core'
import type { ServerContext } from './context.js'
import type { ClientIdentity, UpstreamHandlers } from './upstream.js'

/** Handlers of one connection under way at most; past it nothing more is read from it. */
const mostUnderWay = 100

/** Hands the commands of one client to the application. Whoever takes long over them slows that client down. */
export class UpstreamCalls {
  readonly #server: ServerContext
  readonly #client: ClientIdentity & { readonly label: string }
  readonly #link: Link
  #underWay = 0
  #release: Off | null = null

  constructor(server: ServerContext, client: ClientIdentity & { readonly label: string }, link: Link) {
    this.#server = server
    this.#client = client
    this.#link = link
  }

  /** Calls the handler, if there is one. One that fails is logged and harms nothing else. */
  tell<K extends keyof UpstreamHandlers>(
    kind: K,
    command: Parameters<NonNullable<UpstreamHandlers[K]>>[0],
  ): void {
    const { upstream, env } = this.#server
    const handler = upstream[kind] as
      | ((command: unknown, client: ClientIdentity) => void | Promise<void>)
      | undefined
    const failed = (failure: unknown): void => {
      env.log.error(
        { name: env.name, client: this.#client.label, err: failure },
        `the ${kind} handler failed`,
      )
    }
    try {
      const handling = handler?.call(upstream, command, this.#client)
      if (handling) this.#await(handling.catch(failed))
    } catch (failure) {
      failed(failure)
    }
  }

  #await(handling: Promise<void>): void {
    this.#underWay += 1
    if (this.#underWay > mostUnderWay) this.#release ??= this.#link.pause()
    void handling.then(() => {
      this.#underWay -= 1
      if (this.#underWay > mostUnderWay) return
      this.#release?.()
      this.#release = null
    })
  }
}
