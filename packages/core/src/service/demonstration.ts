import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { type Millis, systemClock } from '../index.js'
import { CommandError } from '../program/command-error.js'
import { exitCodes } from '../program/exit-codes.js'
import { addInspectOption } from '../program/inspect-option.js'
import { type LiveText, Show } from './show.js'
import type { Verdict } from './verdict.js'

/**
 * The acts of the storm, in their order. In `quiet` everything finds together; in `goodbye` programs end as they should, and what
 * came of it all is counted.
 */
export const demoActs = [
  'quiet',
  'kill',
  'half-open',
  'partition',
  'slow-reader',
  'sleep',
  'clock-step',
  'goodbye',
] as const

/** An act of the storm; see {@link demoActs}. */
export type DemoAct = (typeof demoActs)[number]

/** What a demonstration is played with. */
export interface DemoStage {
  readonly show: Show
  /** A folder that is gone afterwards. */
  readonly folder: string
  /** What `--seed` says; 1 unless given. */
  readonly seed: number
  /** An act begins: waits for whoever else is in the same storm. Acts come in order, and may be left out. */
  readonly act: (act: DemoAct) => Promise<void>
}

/** What a demonstration has shown; what else it has is printed with `--json`. */
export interface DemoOutcome {
  readonly verdicts: readonly Verdict[]
}

/** Options of {@link demonstration}. */
export interface DemoOptions {
  /** The program, as its users call it. */
  readonly program: string
  /** Makes the status at the bottom of a terminal: `createLogUpdate` of `log-update`. */
  readonly live: (out: NodeJS.WriteStream) => LiveText
  /**
   * Whether there is `--inspect`; not for who always has an inspector.
   *
   * @defaultValue true
   */
  readonly canBeInspected?: boolean
  /**
   * Whatever hangs, longer than this nobody waits; in milliseconds.
   *
   * @defaultValue 180000
   */
  readonly longest?: Millis
  /** Plays it, and ends everything that it has started. */
  readonly play: (stage: DemoStage) => Promise<DemoOutcome>
}

/**
 * The command `demo` of a program: plays a demonstration on a terminal, and prints the table of what was promised. Exits
 * with 0 only if every promise held.
 */
export function demonstration({ program, canBeInspected = true, ...options }: DemoOptions): Command {
  const command = new Command()
    .option('--json', 'print the table as JSON')
    .option('--seed <n>', 'seed of chance: the same one repeats a run', Number, 1)
  if (canBeInspected) addInspectOption(command)
  return command
    .addHelpText('after', `\nExamples:\n  $ ${program} demo\n  $ ${program} demo --seed 7 --json`)
    .action(async ({ json = false, seed = 1 }: { json?: boolean; seed?: number }) => {
      const { verdicts, ...more } = await played(program, { ...options, json, seed })
      if (json) process.stdout.write(`${JSON.stringify({ seed, ...more, verdicts })}\n`)
      process.exitCode = verdicts.every(({ held }) => held) ? exitCodes.ok : exitCodes.failure
    })
}

interface Playing extends Pick<DemoOptions, 'live' | 'longest' | 'play'> {
  readonly json: boolean
  readonly seed: number
}

async function played(
  program: string,
  { live, longest = 180_000, play, json, seed }: Playing,
): Promise<DemoOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-demo-'))
  const out = json ? process.stderr : process.stdout
  const show = new Show({ out, live: out.isTTY ? live(out) : null })
  const leave = (): void => process.exit(exitCodes.failure)
  const watchdog = systemClock().after(longest, () => {
    process.stderr.write(`${program}: the demonstration has not ended for ${longest} ms; at: ${show.title}\n`)
    leave()
  })
  process.once('SIGTERM', leave).once('SIGINT', leave)
  try {
    const outcome = await play({ show, folder, seed, act: () => Promise.resolve() })
    show.finish(outcome.verdicts)
    return outcome
  } catch (cause) {
    throw new CommandError(`the demonstration broke off at: ${show.title}`, { cause })
  } finally {
    watchdog.cancel()
    process.off('SIGTERM', leave).off('SIGINT', leave)
    await rm(folder, { recursive: true, force: true })
  }
}
