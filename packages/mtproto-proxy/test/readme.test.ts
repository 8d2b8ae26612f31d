import { readFile } from 'node:fs/promises'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { factsOf, type ReloadEffect } from '../src/config/meta.js'
import { port, secret } from '../src/config/parts.js'
import { configSchema } from '../src/config/schema.js'
import { registerFigures } from '../src/metrics/figures.js'
import { prometheusMetrics } from '../src/metrics/prometheus-metrics.js'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

const reloads: Readonly<Record<ReloadEffect, string>> = {
  'at-once': 'at once',
  'new-clients': 'new clients',
  'new-connections': 'new connections',
  listeners: 'ports that changed',
  restart: 'needs a restart',
}

/** A field's default as the table shows it. */
function defaultOf(schema: z.ZodType): string {
  const parsed = schema.safeParse(undefined)
  if (!parsed.success || parsed.data === undefined) return '–'
  const { data } = parsed
  if (Array.isArray(data)) return data.length === 0 ? 'none' : data.map(shown).join(', ')
  if (typeof data !== 'object' || data === null) return shown(data)
  const { innerType } = schema.def as unknown as { innerType: z.ZodObject | z.ZodUnion }
  const object =
    innerType instanceof z.ZodObject
      ? innerType
      : innerType instanceof z.ZodUnion
        ? innerType.options.find((each) => each instanceof z.ZodObject)
        : undefined
  if (object === undefined) return 'none'
  return Object.entries(object.shape)
    .map(([name, field]) => `\`${name}\` ${defaultOf(field as z.ZodType)}`)
    .join(', ')
}

function shown(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

function rows(): string[] {
  return Object.entries(configSchema.shape).map(([name, schema]) => {
    const facts = factsOf(schema)
    if (facts === undefined) throw new Error(`${name} is not described`)
    return `| \`${name}\` | ${defaultOf(schema)} | ${facts.about} | ${reloads[facts.reload]} |`
  })
}

describe('the README', () => {
  it('11 lists every option with its default, and nothing else', () => {
    const table = readme.split('<!-- options -->')[1]?.split('<!-- /options -->')[0] ?? ''
    const listed = table.split('\n').filter((line) => line.startsWith('| `'))
    expect(listed).toEqual(rows())
  })

  it('11 lists every field of ports and secrets', () => {
    for (const field of [...Object.keys(port.shape), ...Object.keys(secret.shape)]) {
      expect(readme).toContain(`\`${field}\``)
    }
  })

  it('11 shows a configuration that is right', async () => {
    const { parse } = await import('smol-toml')
    const examples = [...readme.matchAll(/```toml\n([\s\S]*?)```/g)].map(([, text = '']) => parse(text))
    expect(examples.length).toBeGreaterThan(2)
    for (const example of examples) {
      const ports = [{ name: 'main', port: 443, secret: '0'.repeat(32) }]
      expect(configSchema.safeParse({ ports, ...example }).error?.issues).toBeUndefined()
    }
  })

  it('12 names every metric', async () => {
    const registry = new Registry()
    prometheusMetrics(registry)
    registerFigures(registry, {
      version: '0',
      read: () => ({ connections: {}, dataCenters: [], fronted: 0 }),
    })
    for (const { name } of await registry.getMetricsAsJSON()) {
      expect(readme).toContain(`\`${name.replace('mtproto_proxy_', '')}`)
    }
  })
})
