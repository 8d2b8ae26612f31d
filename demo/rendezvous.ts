import { type DemoAct, demoActs } from '../packages/core/src/service/index.js'

/** Keeps several players in the same act: an act begins when nobody is in an earlier one any more. */
export class Rendezvous {
  readonly #at = new Map<string, number>()
  readonly #waiting: { readonly act: number; readonly go: () => void }[] = []
  readonly #begins: (act: DemoAct) => void
  #begun = -1

  /** @param begins - is told of each act that anybody plays */
  constructor(players: readonly string[], begins: (act: DemoAct) => void) {
    for (const player of players) this.#at.set(player, -1)
    this.#begins = begins
  }

  /** This player is through with all acts before this one; resolves when everybody is. */
  async reach(player: string, act: DemoAct): Promise<void> {
    const index = demoActs.indexOf(act)
    this.#at.set(player, index)
    const turn = new Promise<void>((go) => this.#waiting.push({ act: index, go }))
    this.#look()
    await turn
  }

  /** This player keeps nobody waiting any more. */
  leave(player: string): void {
    this.#at.delete(player)
    this.#look()
  }

  #look(): void {
    const earliest = Math.min(...this.#at.values())
    const due = this.#waiting.filter(({ act }) => act <= earliest)
    for (const one of due) {
      this.#waiting.splice(this.#waiting.indexOf(one), 1)
      const act = demoActs[one.act]
      if (act !== undefined && one.act > this.#begun) {
        this.#begun = one.act
        this.#begins(act)
      }
      one.go()
    }
  }
}
