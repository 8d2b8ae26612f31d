import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/**
 * Closes a socket without goodbye: by RST where the transport has it. It has none before it is connected, under TLS,
 * on Unix sockets, and while a goodbye of ours is under way.
 *
 * `socket.resetAndDestroy()` after `socket.end()` would fail with `reset EINVAL`, keep the descriptor for ever, and
 * spin when the process is to exit.
 */
export function resetStream(socket: Socket): void {
  const isSayingGoodbye = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished
  if (isSayingGoodbye || socket.remoteAddress === undefined || socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}
