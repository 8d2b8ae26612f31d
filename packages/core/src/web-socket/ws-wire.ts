import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { End, EndKind } from '../index.js'
import { end } from '../index.js'
import type { Wire, WireEvents } from '../node/wired-link.js'

/** What lies below a WebSocket, known only to the side that made it. */
export interface BelowWebSocket {
  readonly socket: () => Socket | null
  /** Why the opening handshake failed, where the peer said so. */
  readonly refusal: () => End | null
}

/**
 * Moves the messages of a link through a WebSocket: a string is a text frame, bytes are a binary one.
 *
 * @param below - what only the side that opened it knows
 */
export function webSocketWire(
  socket: WebSocket,
  uri: string,
  events: WireEvents,
  below: BelowWebSocket,
): Wire {
  let isOpen = false
  let failure: NodeJS.ErrnoException | undefined
  let isReading = true
  /** What was already parsed when reading stopped: at most what one chunk of the socket held. */
  const parsed: (Uint8Array | string)[] = []

  const open = (): void => {
    isOpen = true
    events.opened()
  }
  const deliver = (): void => {
    for (let next = parsed[0]; isReading && next !== undefined; next = parsed[0]) {
      parsed.shift()
      events.receivedMessage(next)
    }
  }
  socket
    .on('open', open)
    .on('message', (data, isBinary) => {
      parsed.push(isBinary ? (data as Buffer) : (data as Buffer).toString())
      deliver()
    })
    .on('ping', () => events.heard())
    .on('pong', () => events.heard())
    .on('error', (error) => {
      failure ??= error
      // A close frame may follow, and the peer's answer to it be long in coming.
      if (isOpen)
        events.peerFinished(webSocketEnd({ code: abnormal, reason: '', failure, wasOpen: true, uri }))
    })
    .on('close', (code, reason) => {
      // What the peer said before it closed is told first, whoever holds the reading.
      isReading = true
      deliver()
      events.closed(
        below.refusal() ?? webSocketEnd({ code, reason: reason.toString(), failure, wasOpen: isOpen, uri }),
      )
    })
  if (socket.readyState === socket.OPEN) queueMicrotask(open)

  return {
    write(chunk, flushed) {
      if (socket.readyState !== socket.OPEN) return false
      socket.send(chunk, { binary: typeof chunk !== 'string' }, (error) => {
        // Of writes that are cut short by the socket's end Node says the same as of those that went well.
        if (!error && below.socket()?.destroyed === false) flushed()
      })
      return true
    },
    reading(wanted) {
      isReading = wanted
      if (wanted) {
        socket.resume()
        queueMicrotask(deliver)
      } else socket.pause()
    },
    finish: (why) => socket.close(closeCode(why), cut(why.detail ?? '')),
    destroy: () => socket.terminate(),
    unref: () => void below.socket()?.unref(),
    ping: () => socket.ping(),
  }
}

/** What is known of a WebSocket's end. */
interface WebSocketClose {
  readonly code: number
  readonly reason: string
  readonly failure: NodeJS.ErrnoException | undefined
  readonly wasOpen: boolean
  readonly uri: string
}

const abnormal = 1006

/**
 * Says why a WebSocket ended.
 *
 * | Close code | Kind |
 * | --- | --- |
 * | none, because the opening failed | `dial-failed` |
 * | 1001 going away, 1012 service restart | `drained-by-peer` |
 * | 1002, 1003, 1007, 1009, 1010 | `protocol-error`: the peer says that we broke the protocol |
 * | 1006, no close frame | `reset-by-peer` |
 * | any other | `closed-by-peer` |
 *
 * The peer's own violations, found here, are `protocol-error`, and a message above `maxPayload` is `overflow`.
 * The advice is always `backoff`.
 */
function webSocketEnd({ code, reason, failure, wasOpen, uri }: WebSocketClose): End {
  const said = reason === '' ? (failure?.message ?? `closed with ${code}`) : reason
  const more = { detail: `${uri}: ${said}`, ...(failure !== undefined && { cause: failure }) }
  if (!wasOpen) return end('dial-failed', { ...more, code: failure?.code ?? code })
  if (failure?.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return end('overflow', { ...more, code: 1009 })
  if (failure?.code?.startsWith('WS_ERR_') === true) {
    return end('protocol-error', { ...more, code: failure.code })
  }
  return end(kindOf(code), { ...more, code: code === abnormal ? (failure?.code ?? code) : code })
}

function kindOf(code: number): EndKind {
  if (code === 1001 || code === 1012) return 'drained-by-peer'
  if (code === abnormal) return 'reset-by-peer'
  return [1002, 1003, 1007, 1009, 1010].includes(code) ? 'protocol-error' : 'closed-by-peer'
}

/** The close code for an end of ours: its own where it may be sent, else one that fits its kind. */
function closeCode({ kind, code }: End): number {
  if (typeof code === 'number' && mayBeSent(code)) return code
  if (kind === 'drained' || kind === 'superseded') return 1001
  if (kind === 'protocol-error') return 1002
  if (kind === 'overflow') return 1009
  if (kind === 'adapter-threw') return 1011
  return 1000
}

function mayBeSent(code: number): boolean {
  return (
    (code >= 3000 && code <= 4999) || (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code))
  )
}

/** A close reason has room for 123 bytes. */
function cut(text: string): string {
  let short = text
  while (Buffer.byteLength(short) > 123) short = short.slice(0, Math.min(123, short.length - 1))
  return short
}
