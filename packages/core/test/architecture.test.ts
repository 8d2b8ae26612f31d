import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as core from '@holdfast/core'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const page = read('docs/architecture.md')
const readme = read('packages/core/README.md')

function filesIn(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path))
}

/** The rows of every table on a page, cell by cell, without the marks of code. */
function rowsOf(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(2, -2)
        .split(' | ')
        .map((cell) => cell.replaceAll('`', '').trim()),
    )
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, match = '']) => match)
}

const packages = readdirSync(join(root, 'packages'))
const sources = packages.flatMap((name) => filesIn(`packages/${name}/src`, '.ts'))

describe('the page about the architecture', () => {
  it('lists every error code of the sources, and no other', () => {
    const withoutComments = sources.map((path) => read(path).replace(/^\s*(\/\/|\/?\*).*$/gm, ''))
    const used = new Set(withoutComments.flatMap((text) => matches(text, /'(HF_[A-Z0-9_]+)'/g)))
    const listed = rowsOf(page).flatMap(([code = '']) => (code.startsWith('HF_') ? [code] : []))
    expect([...listed].sort()).toEqual([...used].sort())
  })

  it.each(packages.filter((name) => name !== 'core'))(
    'names files that %s has for the same roles',
    (name) => {
      const role = /The same role([^]*?)\n\n/.exec(page)?.[1] ?? ''
      const named = matches(role, /`([a-z/-]+)`/g).filter((path) => path !== 'src/metrics')
      const places = (path: string): string[] => [path, `${path}.ts`, `src/cli/${path}.ts`]
      const isThere = (path: string): boolean =>
        places(path).some((each) => existsSync(join(root, 'packages', name, each)))
      expect(named.filter((path) => !isThere(path))).toEqual([])
      expect(named.length).toBeGreaterThan(8)
    },
  )

  it('lists every trace channel', () => {
    const union = /type TraceChannel = (.*)/.exec(read('packages/core/src/env/types.ts'))?.[1] ?? ''
    const channels = matches(union, /'(\w+)'/g)
    const section = page.slice(page.indexOf('| channel |'))
    const listed = rowsOf(section).flatMap(([names = '']) => names.split(', '))
    expect(channels.length).toBeGreaterThan(0)
    expect(listed).toEqual(expect.arrayContaining(channels))
  })

  it('names files of core that exist', () => {
    const named = matches(page, /`([a-z-]+(?:\/[a-z-]+)*\.ts)`/g)
    expect(named.filter((path) => !existsSync(join(root, 'packages/core/src', path)))).toEqual([])
    expect(named.length).toBeGreaterThan(10)
  })
})

describe('the README of core', () => {
  const rules = rowsOf(readme).filter(([rule = '']) => /^I\d+$/.test(rule))

  it('lists the rules I1 to I25', () => {
    const expected = Array.from({ length: 25 }, (_, index) => `I${index + 1}`)
    expect(rules.map(([rule]) => rule)).toEqual(expected)
  })

  it.each(rules)('names tests whose titles begin with %s', (rule = '', _what, proofs = '') => {
    const unproven = proofs.split(', ').filter((name) => {
      const path = `packages/core/test/${name}.test.ts`
      if (!existsSync(join(root, path))) return true
      const titles = matches(read(path), /['"`]((?:[A-Z][\d.]+, )*[A-Z][\d.]+): /g)
      return !titles.some((title) => title.split(', ').includes(rule))
    })
    expect(unproven).toEqual([])
  })

  it('lists the entry points', () => {
    const { exports } = JSON.parse(read('packages/core/package.json')) as { exports: object }
    const listed = rowsOf(readme).flatMap(([name = '']) => (name.startsWith('@holdfast/core') ? [name] : []))
    const entries = Object.keys(exports).filter((path) => path !== './package.json')
    expect(listed).toEqual(entries.map((path) => `@holdfast/core${path.slice(1)}`))
  })

  it('names functions and machines that are exported', () => {
    const section = readme.slice(readme.indexOf('## The nouns'), readme.indexOf('Each is usable alone'))
    const named = matches(section, /`([a-z]\w+)(?:\(\))?`/g)
    expect(named.filter((name) => !(name in core))).toEqual([])
    expect(named.length).toBeGreaterThan(10)
  })
})

describe('every page', () => {
  const folders = ['.', 'docs', ...packages.map((name) => `packages/${name}`)]
  const pages = folders.flatMap((folder) =>
    readdirSync(join(root, folder)).flatMap((name) => (name.endsWith('.md') ? [join(folder, name)] : [])),
  )

  it.each(pages)('%s links to what is there', (path) => {
    const links = matches(read(path), /\]\(((?!\w+:)[^)\s]+)\)/g)
    const dead = links.filter((link) => {
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : join(dirname(path), file)
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(read(target)).includes(anchor)
    })
    expect(dead).toEqual([])
  })
})

/** Anchors of headings as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return matches(text, /^#+ (.*)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('the page about guarantees', () => {
  const rows = rowsOf(read('docs/guarantees.md')).filter(([, , proofs = '']) => proofs.includes('/'))
  const proofs = rows.flatMap(([, , named = '']) => named.split(', '))

  it('has a test for every promise', () => {
    expect(rows.length).toBeGreaterThan(25)
    expect(rows.filter(([promise = '']) => promise === '')).toEqual([])
  })

  it.each(proofs)('names a test that is there: %s', (proof) => {
    const [path = '', rule = ''] = proof.split(' ')
    const [name = '', file = ''] = path.split('/')
    const text = read(`packages/${name}/test/${file}.test.ts`)
    const titles = matches(text, /\b(?:it|test|describe|prop)\b[^'"`]*['"`]([^\n]*)/g)
    expect(titles.some((title) => new RegExp(`(^|[^\\w.])${rule.replaceAll('.', '\\.')}`).test(title))).toBe(
      true,
    )
  })
})
