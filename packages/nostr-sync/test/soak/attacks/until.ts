/** Waits until something holds. @throws (rejects) an `Error` when it does not within so many milliseconds */
export async function until(holds: () => boolean | Promise<boolean>, within = 120_000): Promise<void> {
  for (const end = performance.now() + within; !(await holds()); ) {
    if (performance.now() > end) throw new Error(`not within ${within / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
