import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** Adapters that are designed and not built: drawn dashed until their folder exists. */
const planned = ['mtproto-proxy', 'conference', 'nostr-sync']

const core = 'packages/core/src'
const nouns = ['lifecycle', 'listener', 'link', 'gate', 'cursor', 'feed', 'pool', 'roster']

interface Import {
  readonly from: string
  readonly isType: boolean
}

const importStatement = /^(?:import|export)\s+(?<type>type\s+)?(?<names>[^'"]*?)\s*from\s+'(?<from>[^']+)'/gm

function importsOf(file: string): Import[] {
  return [...readFileSync(file, 'utf8').matchAll(importStatement)].map(({ groups }) => {
    const { type, names = '', from = '' } = groups ?? {}
    const each = names
      .replace(/[{}]/g, '')
      .split(',')
      .map((name) => name.trim())
    const isType = type !== undefined || each.every((name) => name === '' || name.startsWith('type '))
    return { from, isType }
  })
}

/** Core's folders that need Node.js, each an entry point. */
const besideNouns = ['node', 'service', 'web-socket', 'lmdb', 'redis', 'testing', 'inspector']

/** Which of core's other parts a file of one of its entry points imports. */
function importsInCore(file: string): string[] {
  return importsOf(file).flatMap(({ from }) => {
    if (!from.startsWith('.')) return []
    const [folder = ''] = normalize(join(dirname(file), from))
      .slice(core.length + 1)
      .split('/')
    return [besideNouns.includes(folder) ? folder : 'core']
  })
}

function sourcesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path))
}

/** Which noun's folder imports which: dotted where it takes only types. */
export function drawNouns(): string {
  const lines = nouns.flatMap((noun) => {
    const targets = new Map<string, boolean>()
    for (const file of sourcesIn(join(core, noun))) {
      for (const { from, isType } of importsOf(file)) {
        if (!from.startsWith('.')) continue
        const to =
          normalize(join(dirname(file), from))
            .slice(core.length + 1)
            .split('/')[0] ?? ''
        if (to !== noun && nouns.includes(to)) targets.set(to, isType && (targets.get(to) ?? true))
      }
    }
    return [...targets].sort().map(([to, isType]) => `  ${noun} ${isType ? '-.->' : '-->'} ${to}`)
  })
  const drawn = lines.join('\n')
  const alone = nouns.filter((noun) => !new RegExp(`\\b${noun}\\b`).test(drawn)).map((noun) => `  ${noun}`)
  return ['flowchart TD', ...lines, ...alone].join('\n')
}

/** Which package uses which entry point of core, and which are planned. */
export function drawPackages(): string {
  const { exports: entries } = JSON.parse(readFileSync('packages/core/package.json', 'utf8')) as {
    exports: Record<string, unknown>
  }
  const entryPoints = Object.keys(entries)
    .filter((path) => path !== './package.json')
    .map((path) => `@holdfast/core${path.slice(1)}`)
  const adapters = readdirSync('packages').filter((name) => name !== 'core')
  const edges = adapters.flatMap((name) => {
    const used = new Set(
      sourcesIn(`packages/${name}/src`)
        .flatMap((file) => importsOf(file))
        .map(({ from }) => from),
    )
    return entryPoints.filter((entry) => used.has(entry)).map((entry) => `  ${idOf(name)} --> ${idOf(entry)}`)
  })
  const inner = besideNouns.flatMap((folder) => {
    const used = new Set(
      sourcesIn(join(core, folder))
        .flatMap(importsInCore)
        .filter((to) => to !== folder),
    )
    const to = (name: string): string => idOf(entryPoints.find((entry) => entry.endsWith(`/${name}`)) ?? name)
    return [...used].sort().map((name) => `    ${to(folder)} --> ${to(name)}`)
  })
  const notBuilt = planned.filter((name) => !adapters.includes(name))
  return [
    'flowchart TD',
    ...adapters.map((name) => `  ${idOf(name)}["@holdfast/${name}"]`),
    ...notBuilt.map((name) => `  ${idOf(name)}["@holdfast/${name}<br>(planned)"]`),
    '  subgraph one["packages/core"]',
    ...entryPoints.map((entry) => `    ${idOf(entry)}["${entry}"]`),
    ...inner,
    '  end',
    ...edges,
    ...notBuilt.map((name) => `  ${idOf(name)} -.-> ${idOf('@holdfast/core')}`),
  ].join('\n')
}

function idOf(name: string): string {
  return name.replace(/\W+/g, '_')
}
