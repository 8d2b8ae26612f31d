import { styleText } from 'node:util'
import { type DestinationStream, destination, type Level, type Logger, pino, stdSerializers } from 'pino'
import type { End } from '../index.js'

/** Options of {@link createLog}. */
export interface LogOptions {
  /** The program's name; in every line, as `program`: what the line is about may have a `name` of its own. */
  readonly name: string
  /**
   * Lines below it are dropped.
   *
   * @defaultValue 'info'
   */
  readonly level?: Level | 'silent'
  /**
   * JSON for machines, or lines for people.
   *
   * @defaultValue lines for people if standard error is a terminal, else JSON
   */
  readonly json?: boolean | undefined
  /** More names of fields whose values are replaced by `[secret]`, at the top of a record or one level below. */
  readonly secrets?: readonly string[]
  /**
   * Where lines go.
   *
   * @defaultValue standard error, written at once, so that nothing is lost when the process dies
   */
  readonly to?: DestinationStream
}

/** Fields that hold secrets in many protocols. */
const alwaysSecret = ['secret', 'password', 'passphrase', 'accessToken', 'authorization', 'privateKey']

/** Makes a program's log: pino, with ends told briefly and secrets left out. It fits as an `Env`'s log. */
export function createLog(options: LogOptions): Logger {
  const {
    name,
    level = 'info',
    json = !process.stderr.isTTY,
    secrets = [],
    to = destination({ dest: 2, sync: true }),
  } = options
  const names = [...alwaysSecret, ...secrets]
  return pino(
    {
      level,
      base: { program: name },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err, why: brief },
      redact: { paths: names.flatMap((each) => [each, `*.${each}`]), censor: '[secret]' },
    },
    json ? to : forPeople(to),
  )
}

/** An end without what only programs need. */
function brief(why: Partial<End> | string): object | string {
  if (typeof why === 'string') return why
  const { kind, code, detail, advice, cause } = why
  return { kind, code, detail, advice: advice?.kind, ...(cause instanceof Error && { cause: cause.message }) }
}

const colours = {
  trace: 'gray',
  debug: 'gray',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
} as const

/** Rewrites pino's JSON as `12:34:56.789 INFO  name: text key=value`, a stack on lines of its own. */
function forPeople(to: DestinationStream): DestinationStream {
  return {
    write(line) {
      const { time, level, program, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown> & {
        time: string
        level: keyof typeof colours
        program: string
        msg?: string
        err?: { stack?: string; message?: string }
      }
      const details = Object.entries(fields).map(([key, value]) => ` ${key}=${plain(value)}`)
      const tag = styleText(colours[level], level.toUpperCase().padEnd(5))
      const stack = err === undefined ? '' : `\n${err.stack ?? err.message ?? ''}`
      to.write(`${time.slice(11, 23)} ${tag} ${program}: ${msg ?? ''}${details.join('')}${stack}\n`)
    },
  }
}

function plain(value: unknown): string {
  return typeof value === 'string' && !/[\s="]/.test(value) ? value : JSON.stringify(value)
}
