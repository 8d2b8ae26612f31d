import { Command } from 'commander'
import { adminOption, askAdmin } from './admin-client.js'
import { programName } from './program-name.js'
import type { RestartReport } from './workers/start-workers.js'

/** `restart`: has a proxy with workers replace them. */
export function restartCommand(): Command {
  return new Command()
    .option('--with-back', 'also the process that talks to Telegram; clients that wait for no packet stay')
    .option('--json', 'print JSON')
    .addOption(adminOption())
    .addHelpText('after', `\nExamples:\n  $ ${programName} restart\n  $ ${programName} restart --with-back`)
    .action(async (flags: { admin: string; json?: boolean; withBack?: boolean }) => {
      const path = flags.withBack === true ? '/restart?with-back' : '/restart'
      const report = (await askAdmin(flags.admin, path, 'POST')) as RestartReport
      process.stdout.write(flags.json === true ? `${JSON.stringify(report)}\n` : describeRestart(report))
    })
}

function describeRestart({ tookMs, cut, workers }: RestartReport): string {
  const names = workers.map(({ name, pid }) => `${name}${pid === null ? '' : ` (process ${pid})`}`)
  const lost = cut.length === 0 ? 'no packet was cut' : `${cut.length} packets under way were cut`
  return `now ${names.join(', ')}; it took ${(tookMs / 1000).toFixed(1)} s, ${lost}\n`
}
