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

/** Adds their argument and options. */
export function addOneRelayOptions(command: Command): Command {
  return addInspectOption(command, variablePrefix)
    .argument('<relay>', 'URL of the relay', relayOf)
    .requiredOption('-d, --data <dir>', 'directory of the event store; made if it is not there')
    .option('-f, --filter <json>', 'only what matches this filter of NIP-01', filterOf, {})
    .option('--auth-key-file <file>', 'secret key of 64 hex digits, for a relay that asks who we are')
    .addOption(logLevelOption('warn', variablePrefix))
    .option('--json', 'print JSON')
}

/** Opens what is needed, does it, and exits with 1 if it was not done. */
export async function withOneRelay(
  url: RelayUrl,
  { data, filter, domains, negentropy, authKeyFile, logLevel: level, json }: OneRelayFlags,
  work: (parts: OneRelayParts) => Promise<boolean>,
): Promise<void> {
  const env = nodeEnv({ name: programName, log: createLog({ name: programName, level, json }) })
  const opened = new OpenedThings()
  try {
    const signer = authKeyFile === undefined ? null : await readSigner(authKeyFile)
    const store = opened.add(await openLmdbStore({ path: data }))
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
