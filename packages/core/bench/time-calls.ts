/**
 * Nanoseconds that one call takes in the fastest of many short batches: whatever else the machine does can only make
 * one slower.
 */
export function nsPerCall(timesEach: number, call: () => void): number {
  let fastest = Infinity
  for (let batch = 0; batch < 60; batch += 1) {
    const start = performance.now()
    for (let index = 0; index < timesEach; index += 1) call()
    fastest = Math.min(fastest, performance.now() - start)
  }
  return (fastest * 1e6) / timesEach
}
