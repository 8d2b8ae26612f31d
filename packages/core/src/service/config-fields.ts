import { z } from 'zod'

/** One value of a configuration that is not an object of further fields. */
export interface ConfigField {
  readonly path: readonly string[]
  /** What accepts it; wrappers such as defaults included. */
  readonly schema: z.ZodType
  /** Its schema carries `.meta({ secret: true })`. */
  readonly isSecret: boolean
}

/** All fields of a configuration schema, those of nested objects included. */
export function configFields(schema: z.ZodType, path: readonly string[] = []): ConfigField[] {
  const inner = unwrapped(schema)
  if (inner instanceof z.ZodObject) {
    const shape = inner.shape as Readonly<Record<string, z.ZodType>>
    return Object.entries(shape).flatMap(([name, field]) => configFields(field, [...path, name]))
  }
  return [{ path, schema, isSecret: isSecret(schema) }]
}

/** The names of the fields of the object at a path, also within lists; empty where that is no object. */
export function fieldNamesAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const inner = unwrapped(schema)
  const [first, ...rest] = path
  if (inner instanceof z.ZodObject) {
    const shape = inner.shape as Readonly<Record<string, z.ZodType>>
    if (first === undefined) return Object.keys(shape)
    const field = shape[String(first)]
    return field === undefined ? [] : fieldNamesAt(field, rest)
  }
  return inner instanceof z.ZodArray && first !== undefined
    ? fieldNamesAt(inner.element as z.ZodType, rest)
    : []
}

/** `listen.maxLinks` with prefix `PROXY` is `PROXY_LISTEN_MAX_LINKS`. */
export function variableName(prefix: string, path: readonly string[]): string {
  return [prefix, ...path.map((part) => part.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_'))].join('_').toUpperCase()
}

/** `listen.maxLinks` is `--listen-max-links`. */
export function flagName(path: readonly string[]): string {
  return `--${path.map((part) => part.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-')).join('-')}`.toLowerCase()
}

/** Looks through defaults, optionals and the like. */
function unwrapped(schema: z.ZodType): z.ZodType {
  const { innerType } = schema.def as { innerType?: z.ZodType }
  return innerType === undefined ? schema : unwrapped(innerType)
}

function isSecret(schema: z.ZodType): boolean {
  if (schema.meta()?.['secret'] === true) return true
  const { innerType } = schema.def as { innerType?: z.ZodType }
  return innerType !== undefined && isSecret(innerType)
}
