import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scorecard } from '@holdfast/core/service'
import type { SynapseInstallation, SynapseVersion } from '../synapse/synapse-installation.js'
import { SynapseMain, type SynapseMainOptions } from '../synapse/synapse-process.js'

/** What a scenario works with. */
export interface Bench {
  /** Empty, and of this scenario alone. */
  readonly directory: string
  readonly installation: SynapseInstallation
  readonly score: Scorecard
}

/** A story with a real Synapse in it, and promises to be kept in it. */
export interface Scenario {
  readonly name: string
  readonly about: string
  readonly version: SynapseVersion
  run(bench: Bench): Promise<void>
}

/** Something that can be stopped. */
interface Stoppable {
  stop(): Promise<void>
}

/** Stops everything that a scenario has started, the last first. */
export class Started {
  readonly #things: Stoppable[] = []

  add<T extends Stoppable>(thing: T): T {
    this.#things.push(thing)
    return thing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const thing of this.#things.splice(0).reverse()) await thing.stop()
  }
}

/** A main process that answers. */
export async function startMain(
  { directory, installation, score }: Bench,
  started: Started,
  settings: Pick<SynapseMainOptions, 'database' | 'redisPort'> = {},
): Promise<SynapseMain> {
  await mkdir(directory, { recursive: true })
  const options = { directory: join(directory, 'synapse'), ...settings }
  const main = started.add(await SynapseMain.prepare(installation, options))
  const since = performance.now()
  await main.start()
  score.note(`Synapse ${installation.version} started in ${seconds(since)}`)
  return main
}

/** How long it has been. */
export function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}
