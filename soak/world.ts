/** A system under load, with faults that are played in turn. */
export interface World extends AsyncDisposable {
  /** Units of work that were done so far: rows applied, packets answered, events stored, messages heard. */
  readonly done: number
  /** What went wrong that no count of work shows, such as a row that was lost; `null` while all is well. */
  readonly problem?: string | null
  /** Plays one fault, to its end. Each is followed by the next; after the last comes the first again. */
  readonly faults: readonly (() => Promise<void>)[]
}

/** What a process has at one moment, with all garbage collected. */
export interface Sample {
  /** Seconds since its start. */
  readonly at: number
  /** Heap and buffers, in MB. */
  readonly heap: number
  /** Sockets, timers and the like, and open files. */
  readonly handles: number
  /** How late the loop was since the sample before, in ms: the 99th percentile. */
  readonly lag: number
  /** {@link World.done} since the sample before, a second. */
  readonly rate: number
}
