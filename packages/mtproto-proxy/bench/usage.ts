import { readFileSync } from 'node:fs'

/** What a process can be asked about itself. */
export interface Usage {
  /** Resident memory after collecting garbage, in bytes. */
  readonly resident: number
  /** CPU time since the start, in milliseconds. Nothing is collected for it, which would be counted, too. */
  readonly cpu: number
}

const answers: { readonly [K in keyof Usage]: () => Usage[K] } = {
  resident() {
    globalThis.gc?.()
    globalThis.gc?.()
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return 1024 * Number(kilobytes)
  },
  cpu() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
}

/** Says where this process listens, then answers every message, which names a part of {@link Usage}; ends with its parent. */
export function answerUsage(port: number): void {
  process.on('disconnect', () => process.exit())
  process.on('message', (asked: keyof Usage) => process.send?.(answers[asked]()))
  process.send?.(port)
}
