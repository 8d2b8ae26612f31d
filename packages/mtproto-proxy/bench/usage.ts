import { readFileSync } from 'node:fs'

/** What a process has used. */
export interface Usage {
  /** Resident memory after collecting garbage, in bytes. */
  readonly resident: number
  /** CPU time since the start, in milliseconds. */
  readonly cpu: number
}

/** Says where this process listens, then answers every message by its {@link Usage}; ends with its parent. */
export function answerUsage(port: number): void {
  process.on('disconnect', () => process.exit())
  process.on('message', () => {
    globalThis.gc?.()
    globalThis.gc?.()
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    const { user, system } = process.cpuUsage()
    process.send?.({ resident: 1024 * Number(kilobytes), cpu: (user + system) / 1000 } satisfies Usage)
  })
  process.send?.(port)
}
