/** Whoever waits in a test for something to become so; looked at whenever anything has happened. */
export class Waiters {
  #waiting: { readonly isMet: () => boolean; readonly resolve: () => void }[] = []

  async until(isMet: () => boolean): Promise<void> {
    if (isMet()) return
    await new Promise<void>((resolve) => this.#waiting.push({ isMet, resolve }))
  }

  /** Something has happened. */
  look(): void {
    const met = this.#waiting.filter(({ isMet }) => isMet())
    this.#waiting = this.#waiting.filter((waiter) => !met.includes(waiter))
    for (const { resolve } of met) resolve()
  }
}
