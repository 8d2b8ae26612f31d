import { Command } from 'commander'
import { adminOption, askAdmin } from './admin-client.js'
import { programName } from './program-name.js'
import { describeStatus, type StatusReport } from './status-report.js'

/** `status`: where a running proxy stands. */
export function statusCommand(): Command {
  return new Command()
    .option('--json', 'print JSON')
    .addOption(adminOption())
    .addHelpText('after', `\nExamples:\n  $ ${programName} status\n  $ ${programName} status --json`)
    .action(async ({ admin, json }: { admin: string; json?: boolean }) => {
      const report = (await askAdmin(admin, '/state')) as StatusReport
      process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : describeStatus(report))
    })
}
