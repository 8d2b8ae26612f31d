import { setTimeout as pause } from 'node:timers/promises'

/** How long a condition may take, and what ends the wait early. */
export interface WaitOptions {
  readonly deadlineMs?: number
  readonly everyMs?: number
  /** Gives the reason why the condition can no longer come true, or undefined while it still can. */
  readonly hopeless?: () => string | undefined
}

/** Asks `probe` again and again until it gives a value other than undefined or false, and returns that value. */
export async function waitUntil<T>(
  what: string,
  probe: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<T, undefined | false>> {
  const { deadlineMs = 30_000, everyMs = 50, hopeless } = options
  const end = performance.now() + deadlineMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>
    const reason = hopeless?.()
    if (reason !== undefined) throw new Error(`${what}: ${reason}`)
    if (performance.now() > end) throw new Error(`${what}: not within ${deadlineMs} ms`)
    await pause(everyMs)
  }
}
