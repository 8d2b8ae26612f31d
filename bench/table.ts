import type { Benchmark, Figure, Readings } from './benchmark.js'

/** What was found for one figure of one subject. */
export interface Result {
  readonly benchmark: string
  readonly figure: string
  readonly subject: string
  readonly unit: string
  /** Median of the runs. */
  readonly median: number
  readonly least: number
  readonly most: number
  readonly limit?: number
  /** Whether ours keeps the limit; absent where there is none. */
  readonly within?: boolean
  /** How many times better ours is; absent for ours. */
  readonly oursIsBetter?: number
}

/** Readings of each subject, one for each run, in the order of `benchmark.subjects`. */
export type Runs = readonly (readonly Readings[])[]

/** Condenses the runs of a benchmark: ours first, then the baselines, figure by figure. */
export function resultsOf(benchmark: Benchmark, readings: Runs): Result[] {
  return Object.entries(benchmark.figures).flatMap(([name, figure]) => {
    let ours: number | null = null
    return benchmark.subjects.flatMap((subject, index): Result[] => {
      const values = (readings[index] ?? []).flatMap((reading) => reading[name] ?? [])
      if (values.length === 0) return []
      const median = medianOf(values)
      const result = {
        benchmark: benchmark.name,
        figure: name,
        subject: subject.name,
        unit: figure.unit,
        median,
        least: Math.min(...values),
        most: Math.max(...values),
      }
      if (ours !== null) return [{ ...result, oursIsBetter: ratio(figure, ours, median) }]
      ours = median
      if (figure.limit === undefined) return [result]
      return [{ ...result, limit: figure.limit, within: ratio(figure, median, figure.limit) >= 1 }]
    })
  })
}

function ratio({ better }: Figure, ours: number, theirs: number): number {
  return better === 'less' ? theirs / ours : ours / theirs
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[sorted.length >> 1] ?? NaN
  const lower = sorted[(sorted.length - 1) >> 1] ?? NaN
  return upper === lower ? upper : (lower + upper) / 2
}

/** One line for each result; a baseline says how many times better ours is. */
export function tableOf(results: readonly Result[]): string {
  const head = ['', 'median', 'least – most', 'limit', 'ours is better', '']
  const rows = results.map((result) => {
    const { benchmark, figure, subject, unit, median, least, most, limit, within, oursIsBetter } = result
    const isOurs = oursIsBetter === undefined
    return [
      isOurs ? `${benchmark}: ${figure}` : `    ${subject}`,
      `${short(median)} ${unit}`,
      least === most ? '' : `${short(least)} – ${short(most)}`,
      limit === undefined ? '' : short(limit),
      isOurs ? '' : `× ${short(oursIsBetter)}`,
      within === undefined ? '' : within ? 'within' : 'OVER',
    ]
  })
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return all.map(line).join('\n')
}

/** A number as people read it: three digits that count, or all before the point. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return 'never'
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en')
    : String(Number(value.toPrecision(3)))
}
