import { readFileSync } from 'node:fs'

/** One line of a peer's transcript. */
export interface Line {
  readonly t?: number
  readonly init?: {
    readonly name: string
    readonly realPk: string
    readonly dhtPk: string
    readonly t: number
  }
  readonly call?: string
  readonly args?: readonly string[]
  readonly result?: string
  readonly in?: string
  readonly from?: string
  readonly out?: string
  readonly to?: string
  readonly hex?: string
  readonly dhtPk?: string | null
  readonly event?: string
  readonly iterate?: boolean
  readonly note?: string
}

/** A recorded scenario; traffic of the conference code of libtoxcore 0.2.18. */
export interface Scenario {
  readonly about: string
  readonly peers: readonly {
    readonly name: string
    readonly realPk: string
    readonly dhtPk: string
    readonly raw?: boolean
  }[]
  readonly checkpoints: Record<string, unknown>
  readonly perPeer: Record<string, readonly Line[]>
  readonly wire: readonly { readonly hex: string; readonly is: Record<string, unknown> }[]
}

/** Reads a recorded scenario. */
export function vectors(name: string): Scenario {
  return vectorFile(name) as Scenario
}

/** Reads `vectors/NAME.json`. */
export function vectorFile(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8'))
}
