/**
 * How programs of the process kit exit. A second SIGINT or SIGTERM exits with 128 and the signal's number, as
 * shells report it: 130 and 143.
 */
export const exitCodes = {
  /** Done, or drained as asked; what was cut by the deadline is in the report. */
  ok: 0,
  /** Failed while starting, running or stopping. */
  failure: 1,
  /** The command line or the configuration is wrong; trying again without a change cannot help. */
  usage: 2,
} as const
