import { askStatus, httpUrl } from '@holdfast/core/program'
import { Command } from 'commander'
import { programName } from './program-name.js'
import { describeStatus, type StatusReport } from './status-report.js'

/** `status`: what a running program is doing. */
export function statusCommand(): Command {
  return new Command()
    .argument('[url]', 'its HTTP address', httpUrl, 'http://127.0.0.1:7778')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} serve --data ./events --http 7778\n  $ ${programName} status`,
    )
    .action(async (url: string, { json }: { json?: boolean }) => {
      const report = await askStatus<StatusReport>(url)
      process.stdout.write(`${json === true ? JSON.stringify(report) : describeStatus(report)}\n`)
    })
}
