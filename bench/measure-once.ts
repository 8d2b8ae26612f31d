/** Measures one subject of one benchmark and tells whoever started this process. */
import type { Benchmark } from './benchmark.js'

const [file = '', benchmark = '', subject = ''] = process.argv.slice(2)
const { benchmarks } = (await import(file)) as { benchmarks: readonly Benchmark[] }
const found = benchmarks.find(({ name }) => name === benchmark)?.subjects.find(({ name }) => name === subject)
if (found === undefined) throw new Error(`${file} has no «${benchmark}» of «${subject}»`)
process.send?.(await found.measure(), () => process.exit())
