import { askStatus, httpUrl } from '@holdfast/core/program'
import { Command } from 'commander'
import { addProfileOption, type ProfileFlags } from './profile-option.js'
import { programName } from './program-name.js'
import { describeStatus, type StatusReport } from './status-report.js'

/** `status`: where a running program stands, or what a profile holds. */
export function statusCommand(): Command {
  return addProfileOption(new Command())
    .argument('[url]', 'the HTTP address of a running program, as given to --http', httpUrl)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} status\n  $ ${programName} status http://127.0.0.1:9094 --json`,
    )
    .action(async (url: string | undefined, { profile, json }: ProfileFlags & { json?: boolean }) => {
      const report = url === undefined ? await savedStatus(profile) : await askStatus<StatusReport>(url)
      process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : `${describeStatus(report)}\n`)
    })
}

async function savedStatus(path: string): Promise<StatusReport> {
  const [{ profileAt }, { reportSaved }] = await Promise.all([import('./id.js'), import('./saved-status.js')])
  return reportSaved(await profileAt(path))
}
