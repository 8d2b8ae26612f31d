import type { SimulatedPeer } from './simulated-peer.js'

interface Said {
  readonly by: SimulatedPeer
  readonly to: readonly SimulatedPeer[]
  readonly heard: Map<SimulatedPeer, number>
}

/** Knows who said what to whom, and counts who heard it. */
export class MessageOracle {
  #said = new Map<string, Said>()
  readonly #read = new Map<SimulatedPeer, number>()

  /** Texts must be different, each said once. */
  said(text: string, by: SimulatedPeer, members: readonly SimulatedPeer[]): void {
    this.#said.set(text, { by, to: members.filter((member) => member !== by), heard: new Map() })
  }

  /** Reads what the peers were told since last time. */
  collect(peers: readonly SimulatedPeer[]): void {
    for (const peer of peers) {
      for (const news of peer.news.slice(this.#read.get(peer) ?? 0)) {
        if (news.kind !== 'message') continue
        const heard = this.#said.get(news.text)?.heard
        heard?.set(peer, (heard.get(peer) ?? 0) + 1)
      }
      this.#read.set(peer, peer.news.length)
    }
  }

  /** Copies that there should have been, and were. */
  counts(): { readonly hoped: number; readonly delivered: number; readonly repeated: number } {
    const all = [...this.#said.values()]
    const hoped = all.reduce((sum, { to }) => sum + to.length, 0)
    const delivered = all.reduce((sum, { heard }) => sum + heard.size, 0)
    return { hoped, delivered, repeated: this.verdict().repeated.length }
  }

  /** Who did not hear what, and who heard it more than once. */
  verdict(): { readonly missing: readonly string[]; readonly repeated: readonly string[] } {
    const missing: string[] = []
    const repeated: string[] = []
    for (const [text, { by, to, heard }] of this.#said) {
      for (const peer of to) {
        const times = heard.get(peer) ?? 0
        const what = `${text} of ${by.name} by ${peer.name}`
        if (times === 0) missing.push(what)
        if (times > 1) repeated.push(what)
      }
    }
    return { missing, repeated }
  }

  /** Begins anew. */
  forget(): void {
    this.#said = new Map()
  }
}
