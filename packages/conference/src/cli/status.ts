import { Buffer } from 'node:buffer'
import { askStatus } from '@holdfast/core/program'
import { Command } from 'commander'
import type { ConferenceView } from '../conference-view.js'
import type { ToxProfile } from '../profile/tox-profile.js'
import { toxId } from '../tox/crypto/tox-id.js'
import { profileAt } from './id.js'
import { addProfileOption, type ProfileFlags } from './profile-option.js'
import { programName } from './program-name.js'
import { describeStatus, type StatusReport } from './status-report.js'

/** `status`: where a running program stands, or what a profile holds. */
export function statusCommand(): Command {
  return addProfileOption(new Command())
    .argument('[url]', 'the HTTP address of a running program, as given to --http')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} status\n  $ ${programName} status http://127.0.0.1:9094 --json`,
    )
    .action(async (url: string | undefined, { profile, json }: ProfileFlags & { json?: boolean }) => {
      const report = url === undefined ? saved(await profileAt(profile)) : await askStatus<StatusReport>(url)
      process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : `${describeStatus(report)}\n`)
    })
}

/** What the next start would begin with: everybody is frozen. */
function saved(profile: ToxProfile): StatusReport {
  const { friends, conferences, name } = profile
  return {
    toxId: toxId(profile),
    name,
    network: null,
    friends: friends.map((friend) => ({ realKey: friend.realKey, name: friend.name, isOnline: false })),
    conferences: conferences.map(({ identifier, title, peers }, conference): ConferenceView => {
      const members = peers.map(({ realKey, name: called, peerNumber, lastActive }) => ({
        realKey,
        name: Buffer.from(called).toString(),
        peerNumber,
        isFriend: friends.some((friend) => friend.realKey === realKey),
        lastActive: lastActive * 1000,
        frozen: { since: lastActive * 1000, why: 'restored' },
      }))
      const type = identifier.startsWith('00') ? 'text' : 'audio'
      const shown = { conference, identifier, type, phase: 'connected', connections: 0 } as const
      return { ...shown, title: Buffer.from(title).toString(), members }
    }),
  }
}
