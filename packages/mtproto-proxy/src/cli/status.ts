import { Command } from 'commander'
import { adminOption, askAdmin } from './admin-client.js'
import { programName } from './program-name.js'
import { describeStatus, type StatusReport } from './status-report.js'

/** `status`: where a running proxy stands. */
export function statusCommand(): Command {
  return new Command('status')
    .description('say where a running proxy stands: clients, connections to Telegram, secrets, tables')
    .option('--json', 'print JSON')
    .addOption(adminOption())
    .addHelpText('after', `\nExamples:\n  $ ${programName} status\n  $ ${programName} status --json`)
    .action(async ({ admin, json }: { admin: string; json?: boolean }) => {
      const report = (await askAdmin(admin, '/state')) as StatusReport
      process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : describeStatus(report))
    })
}
