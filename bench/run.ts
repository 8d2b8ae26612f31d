/**
 * Measures what the project promises, beside what others do, and prints one table. It judges but never fails:
 * figures depend on the machine. What cannot be measured is missing from the table.
 *
 * `pnpm bench [--json FILE] [PART OF A NAME …]`; `pnpm bench --help` lists the names.
 */
import { fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { Benchmark, Readings } from './benchmark.js'
import { benchFiles, bundle } from './bundle.js'
import { type Result, resultsOf, tableOf } from './table.js'

const usage = `Usage: pnpm bench [--json FILE] [PART OF A NAME ...]

Measures, and prints a table. Without a part of a name, everything: a quarter of an hour.

  --json FILE  write the results there, too
  -h, --help   say this`

interface Found {
  readonly file: string
  readonly benchmark: Benchmark
}

async function findAll(): Promise<Found[]> {
  const found: Found[] = []
  for (const source of benchFiles()) {
    const file = pathToFileURL(resolve(await bundle(source))).href
    const { benchmarks } = (await import(file)) as { benchmarks: readonly Benchmark[] }
    found.push(...benchmarks.map((benchmark) => ({ file, benchmark })))
  }
  return found
}

function stop(code: number, ...lines: readonly string[]): never {
  const out = code === 0 ? process.stdout : process.stderr
  out.write(`${lines.join('\n')}\n`)
  process.exit(code)
}

function readArguments(): { json?: string; help?: boolean; wanted: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: process.argv.slice(2).filter((arg) => arg !== '--'),
      allowPositionals: true,
      options: { json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    })
    return { ...values, wanted: positionals }
  } catch (error) {
    return stop(2, error instanceof Error ? error.message : String(error), '', usage)
  }
}

const { json, help = false, wanted } = readArguments()
const all = await findAll()
const names = ['Benchmarks:', ...all.map(({ benchmark }) => `  ${benchmark.name}`)]
if (help) stop(0, usage, '', ...names)
const unknown = wanted.filter((part) => !all.some(({ benchmark }) => benchmark.name.includes(part)))
if (unknown.length > 0) stop(2, `No benchmark has «${unknown.join('», «')}» in its name.`, '', ...names)

const program = await bundle('bench/measure-once.ts')

/** A process for each measurement: what one leaves in heap and compiler does not touch the next. */
function measureOnce(file: string, benchmark: string, subject: string, common: Readings): Promise<Readings> {
  return new Promise((done, failed) => {
    const args = [file, benchmark, subject, JSON.stringify(common)]
    const child = fork(program, args, { execArgv: ['--expose-gc'] })
    child.once('message', done)
    child.once('exit', (code) => failed(new Error(`${benchmark}, ${subject}: exit code ${code}`)))
  })
}

async function measure(file: string, benchmark: Benchmark): Promise<Result[]> {
  const { name, runs = 5, subjects } = benchmark
  process.stderr.write(`${name} `)
  const started = performance.now()
  const common = benchmark.common === undefined ? {} : await measureOnce(file, name, '', {})
  const readings: Readings[][] = subjects.map(() => [])
  // Turn by turn, so that a noisy moment of the machine does not hit one subject alone.
  for (let run = 0; run < runs; run += 1) {
    for (const [index, subject] of subjects.entries()) {
      try {
        readings[index]?.push(await measureOnce(file, name, subject.name, common))
        process.stderr.write('.')
      } catch (failure) {
        process.stderr.write(`\n${String(failure)}\n`)
      }
    }
  }
  process.stderr.write(` ${((performance.now() - started) / 1000).toFixed(1)} s\n`)
  return resultsOf(benchmark, readings)
}

const results: Result[] = []
for (const { file, benchmark } of all) {
  if (wanted.length > 0 && !wanted.some((part) => benchmark.name.includes(part))) continue
  results.push(...(await measure(file, benchmark)))
}
process.stdout.write(`\n${tableOf(results)}\n`)
if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`)
