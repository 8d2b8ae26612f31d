/** One figure that a {@link Benchmark} finds for each of its subjects. */
export interface Figure {
  readonly unit: string
  /** Which way is better. */
  readonly better: 'less' | 'more'
  /** What ours must not be worse than; without one the figure is only told. */
  readonly limit?: number
}

/** What was found, by the names of the figures. */
export type Readings = Readonly<Record<string, number>>

/** What is measured: ourselves, or something to compare with. */
export interface Subject {
  /** For a baseline its name and version. */
  readonly name: string
  /**
   * Measures once, in a process of its own with `gc` exposed; figures that do not apply are left out.
   *
   * @param common - what {@link Benchmark.common} found
   */
  readonly measure: (common: Readings) => Readings | Promise<Readings>
}

/** What a `*.bench.ts` file exports as `benchmarks`, a list of these. */
export interface Benchmark {
  readonly name: string
  readonly figures: Readonly<Record<string, Figure>>
  readonly subjects: readonly Subject[]
  /** Found once, in a process of its own, before any subject is measured: what all subjects must have in common. */
  readonly common?: () => Promise<Readings>
  /**
   * How many processes measure each subject; their median is told. 1 where the result cannot vary.
   *
   * @defaultValue 5
   */
  readonly runs?: number
}
