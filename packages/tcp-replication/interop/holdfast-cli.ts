import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ManagedProcess } from './managed-process.js'

/** The path of our program. */
export const program = fileURLToPath(new URL('../bin/holdfast-tcp-replication.js', import.meta.url))

/** A command of our program as a child process, as its users run it; the folder takes its log and its output. */
export function holdfastProcess(
  directory: string,
  name: string,
  args: readonly string[],
): { readonly process: ManagedProcess; readonly outputPath: string } {
  const outputPath = `${directory}/${name}.out`
  const child = new ManagedProcess({
    ...{ name: `holdfast ${name}`, command: process.execPath, args: [program, ...args], cwd: directory },
    ...{ logPath: `${directory}/${name}.log`, outputPath },
  })
  return { process: child, outputPath }
}

/** Runs a command to its end. */
export function runHoldfast(
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { timeout: 30_000 }, (error, stdout) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out: stdout })
    })
  })
}
