import { Command } from 'commander'
import { adminOption, askAdmin } from './admin-client.js'
import { programName } from './program-name.js'

interface TableFlags {
  readonly admin: string
}

/** `table`: entries of the tables of a running proxy. */
export function tableCommand(): Command {
  const add = new Command('add')
    .description('add entries, until the program ends')
    .action((name: string, entries: readonly string[], flags: TableFlags) =>
      change('POST', name, { entries, flags }),
    )
  const del = new Command('del')
    .description('remove entries; one from the configuration comes back at the next reload')
    .action((name: string, entries: readonly string[], flags: TableFlags) =>
      change('DELETE', name, { entries, flags }),
    )
  for (const command of [add, del]) {
    command
      .argument('<table>', 'its name in the configuration')
      .argument('<entries...>', 'addresses, blocks such as 192.0.2.0/24, domains, names')
      .addOption(adminOption())
      .addHelpText(
        'after',
        `\nExamples:\n  $ ${programName} table ${command.name()} banned 192.0.2.7 198.51.100.0/24`,
      )
  }
  return new Command().addCommand(add).addCommand(del).addCommand(listCommand())
}

function listCommand(): Command {
  return new Command('list')
    .description('list the tables, or the entries of one')
    .argument('[table]', 'its name')
    .option('--json', 'print JSON')
    .addOption(adminOption())
    .addHelpText('after', `\nExamples:\n  $ ${programName} table list\n  $ ${programName} table list banned`)
    .action(async (name: string | undefined, { admin, json }: TableFlags & { json?: boolean }) => {
      const body = await askAdmin(admin, name === undefined ? '/tables' : pathOf(name))
      const lines =
        name === undefined
          ? Object.entries(body as Readonly<Record<string, number>>).map(([each, size]) => `${each}: ${size}`)
          : (body as { readonly entries: readonly string[] }).entries
      process.stdout.write(json === true ? `${JSON.stringify(body)}\n` : describe(lines))
    })
}

function describe(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

async function change(
  method: 'POST' | 'DELETE',
  name: string,
  { entries, flags }: { entries: readonly string[]; flags: TableFlags },
): Promise<void> {
  for (const entry of entries) {
    const path = `${pathOf(name)}?entry=${encodeURIComponent(entry)}`
    const { changed } = (await askAdmin(flags.admin, path, method)) as { changed: boolean }
    const done = method === 'POST' ? ['added', 'was there'] : ['removed', 'was not there']
    process.stdout.write(`${entry}: ${changed ? done[0] : done[1]}\n`)
  }
}

function pathOf(name: string): string {
  return `/tables/${encodeURIComponent(name)}`
}
