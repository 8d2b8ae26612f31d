import { askStatus, httpUrl } from '@holdfast/core/program'
import { Command } from 'commander'
import { programName } from './program-name.js'
import { describeStatus, type StatusReport } from './status-report.js'

/** `status`: where a running server or relay stands. */
export function statusCommand(): Command {
  return new Command()
    .argument('[url]', 'its HTTP address', httpUrl, 'http://127.0.0.1:9093')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} status\n  $ ${programName} status http://127.0.0.1:9193 --json`,
    )
    .action(async (url: string, { json }: { json?: boolean }) => {
      const report = await askStatus<StatusReport>(url)
      process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : `${describeStatus(report)}\n`)
    })
}
