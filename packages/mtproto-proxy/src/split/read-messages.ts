import { end, type LinkScope } from '@holdfast/core'
import { type SplitDecoder, SplitError } from './decoder.js'
import type { SplitMessage } from './messages.js'

/** Takes what a chunk completes, up to what breaks the protocol: that ends the link. */
export function readSplitMessages(
  scope: LinkScope,
  decoder: SplitDecoder,
  { chunk, take }: { readonly chunk: Uint8Array; readonly take: (message: SplitMessage) => void },
): void {
  try {
    decoder.push(chunk)
    for (let message = decoder.next(); message !== null; message = decoder.next()) take(message)
  } catch (cause) {
    if (!(cause instanceof SplitError)) throw cause
    scope.fail(end('protocol-error', { code: cause.code, detail: cause.message, cause }))
  }
}
