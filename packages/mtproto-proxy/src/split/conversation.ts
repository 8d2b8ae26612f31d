import { end, type LinkScope, type WriteResult } from '@holdfast/core'
import { SplitDecoder, SplitError } from './decoder.js'
import { encodeSplitMessage, type SplitMessage, splitVersion } from './messages.js'

/** What is left for one of the sides to understand. */
export type SplitTopic = Exclude<SplitMessage, { readonly kind: 'hello' | 'ping' | 'pong' }>

/** Options of {@link SplitConversation}. */
export interface SplitConversationOptions {
  /** What this node calls itself. */
  readonly node: string
  /** Which side the peer is, for what is said of it. */
  readonly peer: 'back' | 'front'
  /** The peer has said who it is. */
  readonly greeted: () => void
  /** Takes a message; what may not be said throws a {@link SplitError}. */
  readonly take: (message: SplitTopic) => void
}

/** What both ends of a split link do alike: they greet, keep it alive, and end it when the peer breaks the protocol. */
export class SplitConversation {
  readonly #scope: LinkScope
  readonly #options: SplitConversationOptions
  readonly #decoder = new SplitDecoder()
  #node: string | null = null

  constructor(scope: LinkScope, options: SplitConversationOptions) {
    this.#scope = scope
    this.#options = options
    this.tell({ kind: 'hello', version: splitVersion, node: options.node })
  }

  /** What the peer calls itself; `null` before it has said so. */
  get node(): string | null {
    return this.#node
  }

  tell(message: SplitMessage): WriteResult {
    return this.#scope.link.write(encodeSplitMessage(message))
  }

  probe(): void {
    this.tell({ kind: 'ping' })
  }

  /** Takes what a chunk completes, up to what breaks the protocol: that ends the link. */
  data(chunk: Uint8Array): void {
    try {
      this.#decoder.push(chunk)
      for (let message = this.#decoder.next(); message !== null; message = this.#decoder.next()) {
        this.#hear(message)
      }
    } catch (cause) {
      if (!(cause instanceof SplitError)) throw cause
      this.#scope.fail(end('protocol-error', { code: cause.code, detail: cause.message, cause }))
    }
  }

  /** @throws a {@link SplitError} that says what the peer may not say here */
  notToBeSaid(message: SplitMessage): never {
    throw new SplitError(`a ${this.#options.peer} said ${message.kind}, which it may not`)
  }

  #hear(message: SplitMessage): void {
    if (this.#node === null) {
      this.#greeted(message)
      return
    }
    if (message.kind === 'hello') this.notToBeSaid(message)
    else if (message.kind === 'ping') this.tell({ kind: 'pong' })
    else if (message.kind !== 'pong') this.#options.take(message)
  }

  #greeted(message: SplitMessage): void {
    const { peer, greeted } = this.#options
    if (message.kind !== 'hello') throw new SplitError(`a ${peer} began with ${message.kind}`)
    if (message.version !== splitVersion) {
      throw new SplitError(
        `a ${peer} speaks version ${message.version} of the split link, we ${splitVersion}`,
      )
    }
    this.#node = message.node
    greeted()
  }
}
