import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { parse as parseToml, TomlError } from 'smol-toml'
import type { z } from 'zod'
import { HoldfastError } from '../index.js'
import { type ConfigField, configFields, fieldNamesAt, flagName, variableName } from './config-fields.js'

/** Options of {@link loadConfig}. */
export interface ConfigOptions<T> {
  /**
   * A `z.strictObject`, so that misspelt fields are found. Fields with `.meta({ secret: true })` are never shown.
   */
  readonly schema: z.ZodType<T>
  /** What every environment variable begins with, such as `TCP_REPLICATION`. */
  readonly prefix: string
  /** A file of JSON, or of TOML if its name ends so. Without one only environment and flags count. */
  readonly file?: string | undefined
  /**
   * Where `PREFIX_FIELD` and `PREFIX_SECTION_FIELD` are looked up. Values are text, JSON, or a list with commas,
   * whichever the field takes. Variables that name no field are left alone.
   */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Values given on the command line, by the field's path with dots; `undefined` ones count as not given. */
  readonly flags?: Readonly<Record<string, unknown>>
}

type Origin = 'file' | 'variable' | 'flag'

/** Where each field's value came from, by its path. */
type Origins = ReadonlyMap<string, { readonly origin: Origin; readonly value: unknown }>

/** The configuration is wrong. Code `HF_BAD_CONFIG`; the message has a line for each problem, with its fix. */
export class ConfigError extends HoldfastError {
  override readonly name: string = 'ConfigError'
  /** One sentence for each problem. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options: ErrorOptions = {}) {
    super('HF_BAD_CONFIG', ['the configuration is wrong:', ...problems].join('\n  '), options)
    this.problems = problems
  }
}

/**
 * Reads a configuration: the file, over it the environment, over that the flags; checked by one schema.
 *
 * @throws a {@link ConfigError} that names every wrong field, its value unless it is secret, where it came from,
 *   and what to do
 *
 * @example
 * ```ts
 * import { loadConfig } from '@holdfast/core/service'
 * import { z } from 'zod'
 *
 * const schema = z.strictObject({ listen: z.string(), maxLinks: z.number().default(1000) })
 * const env = { DEMO_LISTEN: 'tcp://127.0.0.1:7000', DEMO_MAX_LINKS: '5' }
 * await loadConfig({ schema, prefix: 'DEMO', env }) // => { listen: 'tcp://127.0.0.1:7000', maxLinks: 5 }
 * ```
 */
export async function loadConfig<T>(options: ConfigOptions<T>): Promise<T> {
  const { schema, prefix, file, env, flags = {} } = options
  const fields = configFields(schema)
  const origins = new Map<string, { origin: Origin; value: unknown }>()
  const config = file === undefined ? {} : await readConfigFile(file)
  for (const field of fields) {
    const path = field.path.join('.')
    const inFile = valueAt(config, field.path)
    if (inFile !== undefined) origins.set(path, { origin: 'file', value: inFile })
    for (const [origin, given] of [
      ['variable', env[variableName(prefix, field.path)]],
      ['flag', flags[path]],
    ] as const) {
      if (given === undefined) continue
      const value = typeof given === 'string' ? fromText(given, field) : given
      origins.set(path, { origin, value })
      setAt(config, field.path, value)
    }
  }
  const result = schema.safeParse(config)
  if (result.success) return result.data
  const about = { schema, fields, origins, prefix, file }
  throw new ConfigError(result.error.issues.flatMap((issue) => describe(issue, about)))
}

/** A copy of a configuration that can be shown: secret fields that have a value read `[secret]`. */
export function withoutSecrets(schema: z.ZodType, config: object): object {
  const copy = structuredClone(config) as Record<string, unknown>
  for (const { path, isSecret } of configFields(schema)) {
    if (isSecret && valueAt(copy, path) !== undefined) setAt(copy, path, '[secret]')
  }
  return copy
}

async function readConfigFile(file: string): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException
    throw new ConfigError([`${file}: cannot be read (${code}); check --config, and who may read the file`])
  }
  const isToml = extname(file) === '.toml'
  let config: unknown
  try {
    config = isToml ? parseToml(text) : JSON.parse(text)
  } catch (cause) {
    // The parsers' own messages quote the file, and with it perhaps a secret: only the place is passed on.
    throw new ConfigError([
      `${file}${place(cause, text)}: is not valid ${isToml ? 'TOML' : 'JSON'}; ${mendingOf(file)}`,
    ])
  }
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) {
    return config as Record<string, unknown>
  }
  throw new ConfigError([`${file}: must hold an object of fields`])
}

/** By its name the file may well be something else. */
function mendingOf(file: string): string {
  const type = extname(file)
  if (type === '.toml' || type === '.json') return 'mend it there'
  return 'files are read as TOML if their names end in .toml, and as JSON otherwise'
}

function place(cause: unknown, text: string): string {
  if (cause instanceof TomlError) return `:${cause.line}:${cause.column}`
  const offset = /at position (\d+)/.exec(String(cause))?.[1]
  return offset === undefined ? '' : `:${text.slice(0, Number(offset)).split('\n').length}`
}

/**
 * Text from outside as what the field takes. If it takes none of the readings, the one whose kind is right, so that it is
 * told what is wrong with -1, and not that it is text; or else as it is.
 */
function fromText(text: string, { schema }: ConfigField): unknown {
  const readings: unknown[] = [text]
  try {
    readings.push(JSON.parse(text))
  } catch {
    // Not JSON: one reading less.
  }
  readings.push(text.split(',').map((part) => part.trim()))
  const tried = readings.map((reading) => ({ reading, result: schema.safeParse(reading) }))
  const best =
    tried.find(({ result }) => result.success) ??
    tried.find(({ result }) => result.error?.issues.every(isOfRightKind) === true)
  return best === undefined ? text : best.reading
}

function isOfRightKind({ code, path }: z.core.$ZodIssue): boolean {
  return code !== 'invalid_type' && (code !== 'invalid_union' || path.length > 0)
}

interface About {
  readonly schema: z.ZodType
  readonly fields: readonly ConfigField[]
  readonly origins: Origins
  readonly prefix: string
  readonly file: string | undefined
}

function describe(issue: z.core.$ZodIssue, about: About): string[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${[...path, key].join('.')}: there is no such field${suggest(key, issue.path, about)}`,
    )
  }
  const field = about.fields.find((each) => each.path.every((part, index) => part === path[index]))
  const name = path.join('.') || 'the whole'
  if (field === undefined) return [`${name}: ${issue.message}`]
  const given = about.origins.get(field.path.join('.'))
  const variable = variableName(about.prefix, field.path)
  if (given === undefined) {
    // A check of the program's own says better what it needs, perhaps of a field that no flag sets.
    if (issue.code === 'custom') {
      return [
        `${name}: ${issue.message}; set it in ${about.file ?? 'a file, see --config'}, or by ${variable}`,
      ]
    }
    return [`${name}: is missing; set it in the file, by ${variable}, or by ${flagName(field.path)}`]
  }
  const from = { file: about.file, variable, flag: flagName(field.path) }[given.origin]
  const value = field.isSecret ? '[secret]' : shown(given.value)
  return [`${name}: ${issue.message}, got ${value} from ${from}; change it there`]
}

function shown(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

/** The field that was probably meant: the same letters but for case, separators or one slip. */
function suggest(key: string, at: readonly PropertyKey[], { schema, fields }: About): string {
  // Elsewhere than at the top what was meant stands beside it.
  const beside = at.length === 0 ? [] : fieldNamesAt(schema, at)
  const names = beside.length > 0 ? beside : [...new Set(fields.flatMap(({ path }) => path))]
  const plain = (name: string): string => name.replace(/[-_]/g, '').toLowerCase()
  const near = names.find(
    (name) => slips(plain(name), plain(key)) <= Math.max(1, Math.floor(name.length / 4)),
  )
  return near === undefined ? `; there are ${names.join(', ')}` : `; did you mean ${near}?`
}

/** How many letters must be added, dropped or changed to make one word of the other. */
function slips(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [index, letter] of Array.from(a).entries()) {
    const next = [index + 1]
    for (const [column, other] of Array.from(b).entries()) {
      const [diagonal = 0, above = 0, left = 0] = [row[column], row[column + 1], next[column]]
      next.push(Math.min(diagonal + (letter === other ? 0 : 1), above + 1, left + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

function valueAt(config: unknown, path: readonly string[]): unknown {
  let value: unknown = config
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Readonly<Record<string, unknown>>)[part]
  }
  return value
}

function setAt(config: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first = '', ...rest] = path
  if (rest.length === 0) {
    config[first] = value
    return
  }
  const inner = config[first]
  const section = typeof inner === 'object' && inner !== null ? inner : {}
  config[first] = section
  setAt(section as Record<string, unknown>, rest, value)
}
