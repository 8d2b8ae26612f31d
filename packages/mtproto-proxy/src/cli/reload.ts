import { Command } from 'commander'
import { adminOption, askAdmin } from './admin-client.js'
import { programName } from './program-name.js'

/** `reload`: has a running proxy read its configuration again. */
export function reloadCommand(): Command {
  return new Command()
    .option('--json', 'print JSON')
    .addOption(adminOption())
    .addHelpText('after', `\nExamples:\n  $ ${programName} reload`)
    .action(async ({ admin, json }: { admin: string; json?: boolean }) => {
      const report = (await askAdmin(admin, '/reload', 'POST')) as ReloadReport
      process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : describeReload(report))
    })
}

/** What a reload has done. */
export interface ReloadReport {
  /** Names of ports. */
  readonly started: readonly string[]
  readonly stopped: readonly string[]
  /** Names of options, those of ports left out. */
  readonly changed: readonly string[]
}

/** A reload for people. */
function describeReload({ started, stopped, changed }: ReloadReport): string {
  const parts = [
    ['ports started', started],
    ['ports stopped', stopped],
    ['changed', changed],
  ] as const
  const lines = parts.flatMap(([what, names]) => (names.length === 0 ? [] : [`${what}: ${names.join(', ')}`]))
  return `${lines.join('\n') || 'nothing has changed'}\n`
}
