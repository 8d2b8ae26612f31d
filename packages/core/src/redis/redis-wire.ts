import { Redis, type RedisOptions } from 'ioredis'
import type { End } from '../index.js'
import { end } from '../index.js'
import type { Wire, WireEvents } from '../node/wired-link.js'

/** Where to connect to, and as whom. */
export interface RedisWireOptions extends Pick<RedisOptions, 'host' | 'port' | 'db' | 'path' | 'tls'> {
  /** For messages. */
  readonly uri: string
  readonly channel: string
  readonly credentials: Pick<RedisOptions, 'username' | 'password'>
}

/** Moves messages through one subscription and one connection to publish on; the end of one is the end of both. */
export function redisWire(
  { uri, channel, credentials, ...where }: RedisWireOptions,
  events: WireEvents,
): Wire {
  const once: Omit<RedisOptions, 'replyMapping'> = {
    ...where,
    ...credentials,
    lazyConnect: true,
    // Nothing outlives its connection: what comes next is the lifecycle's to decide.
    retryStrategy: null,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    // A server that still loads its data carries messages all the same, and INFO may be forbidden.
    enableReadyCheck: false,
    protocol: 2,
  }
  const subscriber = new Redis(once)
  const publisher = new Redis(once)
  const both = [subscriber, publisher]
  let isOpen = false
  let isReading = true
  let isOver = false
  /** What was already parsed when reading stopped: at most what one chunk of the socket held. */
  const parsed: string[] = []

  const over = (cause?: unknown): void => {
    if (isOver) return
    isOver = true
    for (const redis of both) drop(redis)
    events.closed(redisEnd(cause, isOpen, uri))
  }
  const deliver = (): void => {
    for (let next = parsed[0]; isReading && next !== undefined; next = parsed[0]) {
      parsed.shift()
      events.receivedMessage(next)
    }
  }
  const open = async (): Promise<void> => {
    await Promise.all(both.map((redis) => redis.connect()))
    await subscriber.subscribe(channel)
    isOpen = true
    events.opened()
    if (!isReading) subscriber.stream.pause()
  }

  let failure: unknown
  for (const redis of both) {
    redis.on('error', (cause) => (failure ??= cause))
    redis.on('end', () => over(failure))
  }
  subscriber.on('message', (_channel, message) => {
    parsed.push(message)
    deliver()
  })
  // A connection that fails says why in an event of its own; that it did is all that the promise adds.
  open().catch((cause: unknown) => over(failure ?? cause))

  return {
    write(chunk, flushed) {
      if (isOver || publisher.status !== 'ready') return false
      const message = typeof chunk === 'string' ? chunk : Buffer.from(chunk)
      publisher.publish(channel, message).then(flushed, (cause: unknown) => over(failure ?? cause))
      return true
    },
    reading(wanted) {
      isReading = wanted
      if (!isOpen || isOver) return
      if (wanted) {
        subscriber.stream.resume()
        queueMicrotask(deliver)
      } else subscriber.stream.pause()
    },
    finish() {
      // Answered after everything that was published.
      publisher.quit().then(
        () => events.flushed(),
        () => undefined,
      )
    },
    destroy() {
      isOver = true
      for (const redis of both) drop(redis)
    },
    unref() {
      for (const { stream } of both) (stream as { unref?: () => void }).unref?.()
    },
    ping() {
      Promise.all(both.map((redis) => redis.ping())).then(
        () => events.heard(),
        (cause: unknown) => over(failure ?? cause),
      )
    },
  }
}

function drop(redis: Redis): void {
  // It is set as soon as there is a connection, or one is being made, whatever its type says.
  const stream = redis.stream as Redis['stream'] | undefined
  redis.disconnect()
  stream?.destroy()
}

/** Says why the connections ended. A refusal of Redis, such as WRONGPASS or NOPERM, begins with its code. */
function redisEnd(cause: unknown, wasOpen: boolean, uri: string): End {
  const text = cause instanceof Error ? cause.message : 'connection lost'
  const code = (cause as { code?: string } | undefined)?.code ?? /^[A-Z]{4,}\b/.exec(text)?.[0]
  const more = {
    detail: `${uri}: ${text}`,
    ...(code !== undefined && { code }),
    ...(cause !== undefined && { cause }),
  }
  if (!wasOpen) return end('dial-failed', more)
  return end(cause === undefined ? 'closed-by-peer' : 'reset-by-peer', more)
}
