/** Measures one subject of one benchmark, or without one what all have in common, and tells whoever started this process. */
import type { Benchmark, Readings } from './benchmark.js'

const [file = '', benchmark = '', subject = '', common = '{}'] = process.argv.slice(2)
const { benchmarks } = (await import(file)) as { benchmarks: readonly Benchmark[] }
const found = benchmarks.find(({ name }) => name === benchmark)
const measured =
  subject === ''
    ? found?.common?.()
    : found?.subjects.find(({ name }) => name === subject)?.measure(JSON.parse(common) as Readings)
if (measured === undefined) throw new Error(`${file} has no «${benchmark}» of «${subject}»`)
process.send?.(await measured, () => process.exit())
