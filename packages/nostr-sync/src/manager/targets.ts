import { type AddFilters, computeActions, type RelayProgress } from '../sync/compute-actions.js'
import { isOwnRelay, type RelayUrl } from '../wire/relay-url.js'
import type { SyncContext } from './relay-work.js'
import type { TrackedRelays } from './tracked-relays.js'

/** What {@link Targets} are made of. */
export interface TargetsParts {
  readonly context: SyncContext
  readonly tracked: TrackedRelays
  /** Our own: what would be asked there is stored here (R5). */
  readonly domains: readonly string[]
  /** Told what has to be asked of a relay now. */
  readonly ask: (action: AddFilters) => void
}

/** What is wanted of each relay, against what it has given and what is under way (R17). */
export class Targets {
  readonly #parts: TargetsParts

  constructor(parts: TargetsParts) {
    this.#parts = parts
  }

  /** All relays of which something is wanted. */
  get relays(): ReadonlySet<RelayUrl> {
    return new Set(this.#parts.context.index.relays())
  }

  /** Something else is wanted of these: what is not any more counts no longer as confirmed (R35), what is new is asked for. */
  changed(urls: ReadonlySet<RelayUrl>): void {
    const { context, tracked, domains } = this.#parts
    const { index, confirmed } = context
    const wanted = this.relays
    for (const url of urls) {
      confirmed.retain(url, index.targetOf(url))
      if (wanted.has(url)) tracked.get(url)?.relay.start()
    }
    this.compute([...urls].filter((url) => wanted.has(url) && !isOwnRelay(url, domains)))
  }

  /** Asks these relays for what is wanted of them and neither confirmed nor in flight. */
  compute(urls: readonly RelayUrl[]): void {
    const { context, ask } = this.#parts
    const targets = urls.map((url) => [url, context.index.targetOf(url)] as const)
    for (const action of computeActions(targets, (url) => this.#progressOf(url))) ask(action)
  }

  #progressOf(url: RelayUrl): RelayProgress | undefined {
    const { context, tracked } = this.#parts
    const relay = tracked.get(url)?.relay
    return (
      relay && {
        status: relay.status,
        pending: relay.session?.unavailableItems() ?? [],
        confirmed: context.confirmed.of(url).items,
      }
    )
  }
}
