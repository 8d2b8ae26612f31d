/**
 * Tries the inspector's page in a real Chromium: what axe and the keyboard say of it, how long its tasks are with 10,000
 * lifecycles, and what an open page costs the process. Screenshots are left in a folder, to be looked at.
 *
 *     pnpm interop:inspector [--seconds 60]
 */
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import type { InspectorState } from '../src/inspector/index.js'
import {
  accessibilityProblems,
  controlsOf,
  longTasks,
  reachedByTab,
  startBrowser,
  watchTasks,
} from './browser.js'
import { InspectedProcess } from './inspected-process.js'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } })
const measureFor = Number(values.seconds) * 1000
const folder = await mkdtemp(join(tmpdir(), 'holdfast-inspector-'))
let broken = 0

function promise(what: string, isKept: boolean, counted: string): void {
  if (!isKept) broken += 1
  console.log(`  ${isKept ? 'kept  ' : 'BROKEN'} ${what}: ${counted}`)
}

/** A page on the inspector, and what went wrong in it. */
async function openPage(
  browser: Browser,
  url: string,
  colorScheme: 'light' | 'dark',
): Promise<{ readonly page: Page; readonly complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme })
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) complaints.push(request.url())
  })
  await watchTasks(page)
  await page.goto(url)
  await page.locator('#status.live').waitFor()
  return { page, complaints }
}

async function everydayUse(browser: Browser): Promise<void> {
  console.log('200 lifecycles, 2 pools, 4 cursors, 2 rosters')
  using inspected = await InspectedProcess.start({ lifecycles: 200, lostPerSecond: 3, how: 'inspected' })
  for (const scheme of ['light', 'dark'] as const) {
    const { page, complaints } = await openPage(browser, inspected.url, scheme)
    // Until something has moved.
    await page.locator('#pools-view p', { hasText: 'is gone' }).first().waitFor()
    await page.locator('#rosters-view .frozen').first().waitFor()
    await page.screenshot({ path: join(folder, `${scheme}.png`), fullPage: true })
    const problems = await accessibilityProblems(page)
    promise(`axe finds nothing (${scheme})`, problems.length === 0, problems.join('\n') || 'nothing')
    if (scheme === 'light') await byKeyboard(page)
    promise(
      `nothing is refused or asked elsewhere (${scheme})`,
      complaints.length === 0,
      complaints.join('\n') || 'nothing',
    )
    await page.close()
  }
  const narrow = await openPage(browser, inspected.url, 'light')
  await narrow.page.setViewportSize({ width: 480, height: 900 })
  await narrow.page.screenshot({ path: join(folder, 'narrow.png'), fullPage: true })
  const overflow = await narrow.page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
  promise('a narrow window need not be scrolled sideways', overflow <= 0, `${overflow} pixels too wide`)
  await narrow.page.close()
}

async function byKeyboard(page: Page): Promise<void> {
  const controls = await controlsOf(page)
  const reached = await reachedByTab(page, controls.length + 10)
  const missing = controls.filter((name) => !reached.has(name))
  promise(
    'Tab reaches every control',
    missing.length === 0,
    `${controls.length} controls, missing: ${missing.join(', ') || 'none'}`,
  )

  const status = page.locator('#status')
  await page.locator('#pause').focus()
  await page.keyboard.press('Space')
  await status.filter({ hasText: 'paused' }).waitFor()
  const before = await page.locator('#timeline-title').textContent()
  await pass(1500)
  const after = await page.locator('#timeline-title').textContent()
  promise('Space pauses', before === after, `${before} and 1.5 s later ${after}`)

  await page.locator('#export').focus()
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
  const exported = JSON.parse(await readFile(await download.path(), 'utf8')) as InspectorState
  const { lifecycles, events } = exported
  promise(
    'Enter exports all there is',
    lifecycles.length >= 200 && events.length > 0,
    `${lifecycles.length} lifecycles, ${events.length} events in ${download.suggestedFilename()}`,
  )

  await page.locator('#event-find').focus()
  await page.keyboard.type('protocol-error')
  await page.getByRole('listbox').focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  const detail = (await page.locator('#event').textContent()) ?? ''
  promise(
    'an event is found by its reason and chosen by arrows',
    detail.includes('"protocol-error"'),
    detail.replace(/\s+/g, ' ').slice(0, 120),
  )

  await page.locator('#phases button', { hasText: 'ready' }).focus()
  await page.keyboard.press('Space')
  const title = (await page.locator('#lifecycles-title').textContent()) ?? ''
  const [, shown = '', all = ''] = /(\d+) of (\d+)/.exec(title) ?? []
  promise('a phase is left out by Space', Number(shown) < Number(all), title)
  await page.keyboard.press('Space')
  await page.screenshot({ path: join(folder, 'paused.png'), fullPage: true })
  await page.locator('#pause').focus()
  await page.keyboard.press('Space')
  await status.filter({ hasText: 'live' }).waitFor()
}

async function veryMany(browser: Browser): Promise<void> {
  console.log('10,000 lifecycles, of which 50 are lost in a second')
  using inspected = await InspectedProcess.start({ lifecycles: 10_000, lostPerSecond: 50, how: 'inspected' })
  const { page } = await openPage(browser, inspected.url, 'light')
  await page.locator('#lifecycles-title', { hasText: /of 10\d{3}/ }).waitFor()
  await pass(3000)
  for (const order of ['name', 'latest', 'trouble']) {
    await page.locator('#order').selectOption(order)
    for (let n = 0; n < 10; n += 1) {
      await page.evaluate(`document.querySelector('#lifecycles-view').scrollTo(0, ${n * 27_000})`)
      await pass(100)
    }
  }
  await page.locator('#find').pressSequentially('relay 042', { delay: 60 })
  await page.locator('#lifecycles-title', { hasText: '100 of' }).waitFor()
  await page.screenshot({ path: join(folder, 'many.png') })
  await page.locator('#find').fill('')
  await page.locator('#pause').click()
  await page.locator('#pause').click()
  await pass(10_000)
  const tasks = await longTasks(page)
  const longest = Math.max(0, ...tasks)
  promise(
    'no task in the page is longer than 200 ms',
    longest <= 200,
    `longest ${Math.round(longest)} ms, ${tasks.length} above 50 ms`,
  )
  await page.close()
}

async function cost(browser: Browser): Promise<void> {
  console.log(
    `10,000 lifecycles, of which 20 are lost in a second: CPU seconds of the process in ${measureFor / 1000} s`,
  )
  const measured = new Map<string, number>()
  for (const how of ['plain', 'inspected'] as const) {
    using inspected = await InspectedProcess.start({ lifecycles: 10_000, lostPerSecond: 20, how })
    const measure = async (what: string): Promise<void> => {
      // What the start has left behind is not to count.
      await pass(5000)
      await inspected.cpuSeconds()
      await pass(measureFor)
      const seconds = await inspected.cpuSeconds()
      measured.set(what, seconds)
      console.log(`  ${what}: ${seconds.toFixed(2)} s`)
    }
    if (how === 'plain') {
      await measure('without an inspector')
      continue
    }
    await measure('with an inspector and no page')
    const { page } = await openPage(browser, inspected.url, 'light')
    await measure('with an open page')
    await page.close()
  }
  // Of one process, so that only the page is between them.
  const apart =
    (measured.get('with an open page') ?? NaN) - (measured.get('with an inspector and no page') ?? NaN)
  const share = (apart / (measureFor / 1000)) * 100
  promise('an open page costs at most 2 % of a core', share <= 2, `${share.toFixed(2)} %`)
}

const browser = await startBrowser()
try {
  console.log(`Chromium ${browser.version()}; screenshots in ${folder}`)
  await everydayUse(browser)
  await veryMany(browser)
  await cost(browser)
} finally {
  await browser.close()
}
console.log(broken === 0 ? 'every promise was kept' : `${broken} promises were broken`)
process.exitCode = broken === 0 ? 0 : 1
