/**
 * Keeps all four systems under load and faults for a while, each in a process of its own, and looks whether heap, handles or lag
 * grow. Exits with 1 if one does, if work stops, or if something is lost on the way. Says every few seconds where each one stands.
 *
 *     pnpm soak [--minutes N] [NAME …]
 */
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { systemClock } from '../packages/core/src/index.js'
import { afterWarmUp, fewestSamples, growthOf, measures, median, stallOf } from './growth.js'
import type { Sample } from './world.js'

interface Soaked {
  readonly name: string
  readonly samples: readonly Sample[]
  /** Why it ended before its time; `null` if it did not. */
  readonly failure: string | null
}

/** Below that chance decides. */
const fewestMinutes = 2
const systems = ['replication', 'proxy', 'mirror', 'conference']
/** To start and to end. */
const graceMs = 180_000

async function soak(name: string, seconds: number): Promise<Soaked> {
  const folder = await mkdtemp(join(tmpdir(), `holdfast-soak-${name}-`))
  const samples: Sample[] = []
  const child = fork(fileURLToPath(new URL('process.ts', import.meta.url)), [name, `${seconds}`, folder], {
    execArgv: [...process.execArgv, '--expose-gc'],
  })
  let failure = null as string | null
  const watchdog = systemClock().after(seconds * 1000 + graceMs, () => {
    failure = 'it hangs'
    child.kill('SIGKILL')
  })
  child.on('message', (message) => {
    const sample = message as Sample
    samples.push(sample)
    const { at, heap, handles, lag, rate } = sample
    process.stderr.write(
      `${name.padEnd(12)}${at.toFixed(0).padStart(6)} s ${heap.toFixed(1).padStart(7)} MB ${handles} handles, ${lag.toFixed(0)} ms late, ${rate.toFixed(0)} done/s\n`,
    )
  })
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('exit', (...how) => resolve(how))
  })
  watchdog.cancel()
  await rm(folder, { recursive: true, force: true })
  return { name, samples, failure: failure ?? (code === 0 ? null : `ended with ${code ?? signal ?? '?'}`) }
}

/** What is wrong besides growth; `null` for nothing. */
function wrongIn(samples: readonly Sample[]): string | null {
  if (samples.length < fewestSamples) return 'too few samples to tell'
  const stall = stallOf(samples)
  return stall === null ? null : `no work was done for ${stall.toFixed(0)} s`
}

/** Prints what became of it; returns whether all is well. */
function judge({ name, samples, failure }: Soaked): boolean {
  const counting = afterWarmUp(samples)
  const cells = measures.map((measure) => {
    const { from, to, isGrowing } = growthOf(counting, measure)
    return { text: `${from.toFixed(1)} → ${to.toFixed(1)}${isGrowing ? ' GROWS' : ''}`, isGrowing }
  })
  const rate = median(counting.map((sample) => sample.rate))
  const wrong = failure ?? wrongIn(counting)
  const isWell = wrong === null && cells.every(({ isGrowing }) => !isGrowing)
  const texts = cells.map(({ text }) => text.padEnd(24))
  const verdict = isWell ? 'steady' : `BROKEN ${wrong ?? ''}`.trimEnd()
  process.stdout.write(
    `${name.padEnd(12)} ${texts.join('')}${rate.toFixed(0).padStart(8)}  ${String(counting.length).padStart(7)}  ${verdict}\n`,
  )
  return isWell
}

/** What the command line asks for; `null` if that is nothing that there is. */
function asked(
  args: readonly string[],
): { readonly minutes: number; readonly names: readonly string[] } | null {
  const minutes = { type: 'string', default: '20' } as const
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { minutes },
    })
    const names = positionals.length === 0 ? systems : positionals
    const isThere = Number(values.minutes) >= fewestMinutes && names.every((name) => systems.includes(name))
    return isThere ? { minutes: Number(values.minutes), names } : null
  } catch {
    return null
  }
}

const wanted = asked(process.argv.slice(2).filter((arg) => arg !== '--'))
if (wanted === null) {
  const options = `--minutes N   how long, ${fewestMinutes} at least (default: 20)`
  process.stderr.write(
    `Usage: pnpm soak [--minutes N] [NAME ...]\n\n  ${options}\n  NAME          ${systems.join(', ')} (default: all)\n`,
  )
  process.exit(2)
}
const { minutes, names } = wanted
// Ctrl-C ends the systems; what was seen of them is told, and their folders go.
process.on('SIGINT', () => undefined)
const soaked = await Promise.all(names.map((name) => soak(name, minutes * 60)))
const heads = ['heap and buffers, MB', 'handles', 'lag p99, ms'].map((head) => head.padEnd(24))
process.stdout.write(`\n${'system'.padEnd(12)} ${heads.join('')}  done/s  samples  verdict\n`)
process.exitCode = soaked.map(judge).every(Boolean) ? 0 : 1
