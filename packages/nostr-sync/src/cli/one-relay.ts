import type { Env } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { addInspectOption, exitCodes, logLevelOption } from '@holdfast/core/program'
import { createLog, OpenedThings } from '@holdfast/core/service'
import { type Command, InvalidArgumentError } from 'commander'
import type { Level } from 'pino'
import { graspPolicy } from '../admission/grasp-policy.js'
import { openPolicy } from '../admission/open-policy.js'
import { RejectedEvents } from '../admission/rejected-events.js'
import { eventIntake } from '../intake/intake.js'
import type { Intake } from '../intake/types.js'
import { localItems } from '../manager/local-items.js'
import { relayOptions } from '../relay/default-options.js'
import type { OneShot } from '../relay/one-shot.js'
import { openLmdbStore } from '../store/lmdb-store.js'
import type { EventStore } from '../store/types.js'
import { startVerifier } from '../verify/verifier.js'
import type { Filter } from '../wire/filter.js'
import { normalizeRelayUrl, type RelayUrl } from '../wire/relay-url.js'
import { readSigner } from './config-file.js'
import { parseDomain, wrongDomain } from './domain.js'
import { openExistingStore } from './existing-store.js'
import { filterOf } from './filter-option.js'
import { programName, variablePrefix } from './program-name.js'

/** The flags of commands that speak to one relay, once. */
export interface OneRelayFlags {
  readonly data: string
  readonly filter: Filter
  readonly domains?: readonly string[]
  readonly negentropy: boolean
  readonly authKeyFile?: string
  readonly logLevel: Level | 'silent'
  readonly json?: boolean
}

/** What such a command works with. */
export interface OneRelayParts {
  readonly env: Env
  readonly store: EventStore
  readonly intake: Intake
  readonly shot: OneShot
}

const connectWithin = 30_000

/** Adds their argument and options. @param made - when a store is made */
export function addOneRelayOptions(command: Command, made?: string): Command {
  return addInspectOption(command, variablePrefix)
    .argument('<relay>', 'URL of the relay', relayOf)
    .requiredOption(
      '-d, --data <dir>',
      `directory of the event store${made === undefined ? '' : `; ${made}`}`,
    )
    .option('-f, --filter <json>', 'only what matches this filter of NIP-01', filterOf, {})
    .option('--auth-key-file <file>', 'secret key of 64 hex digits, for a relay that asks who we are')
    .addOption(logLevelOption('warn', variablePrefix))
    .option('--json', 'print JSON')
}

/**
 * Opens what is needed, does it, and exits with 1 if it was not done.
 *
 * @param use - `read`: a store that is not there is an error
 */
export async function withOneRelay(
  url: RelayUrl,
  { data, filter, domains, negentropy, authKeyFile, logLevel: level, json }: OneRelayFlags,
  use: 'read' | 'write',
  work: (parts: OneRelayParts) => Promise<boolean>,
): Promise<void> {
  const env = nodeEnv({ name: programName, log: createLog({ name: programName, level, json }) })
  const opened = new OpenedThings()
  try {
    const signer = authKeyFile === undefined ? null : await readSigner(authKeyFile)
    const store = opened.add(await (use === 'read' ? openExistingStore(data) : openLmdbStore({ path: data })))
    const verifier = opened.add(await startVerifier({ env }))
    const rejected = new RejectedEvents()
    const policy = domains === undefined ? openPolicy() : graspPolicy({ domains })
    const intake = opened.add(eventIntake({ env, store, verifier, policy, rejected }))
    const relay = relayOptions({
      env,
      intake,
      items: (wanted) => localItems(store, rejected, wanted),
      // Whoever names a relay means it, wherever it is.
      allowPrivateTargets: true,
      negentropy: negentropy ? 'auto' : 'off',
      signer,
    })
    const shot: OneShot = { url, relay, filters: [filter], connectWithin }
    const isDone = await work({ env, store, intake, shot })
    process.exitCode = isDone ? exitCodes.ok : exitCodes.failure
  } finally {
    await opened.close()
  }
}

/** Reads `--domains`. */
export function domainsOf(text: string): string[] {
  return text.split(',').map((part) => {
    const domain = parseDomain(part)
    if (domain === null) throw new InvalidArgumentError(`${wrongDomain}.`)
    return domain
  })
}

function relayOf(text: string): RelayUrl {
  const url = normalizeRelayUrl(text)
  if (url === null) throw new InvalidArgumentError('It must be a ws:// or wss:// URL.')
  return url
}
