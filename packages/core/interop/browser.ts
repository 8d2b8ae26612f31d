import { existsSync } from 'node:fs'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'

const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/**
 * Starts a Chromium that is installed: that of `CHROMIUM`, the usual one of the system, or one that
 * `npx playwright install chromium` has brought.
 */
export async function startBrowser(): Promise<Browser> {
  const [found] = [process.env['CHROMIUM'] ?? '', ...usual, chromium.executablePath()].filter(existsSync)
  if (found === undefined) {
    throw new Error('there is no Chromium: apt-get install chromium, or npx playwright install chromium')
  }
  // Its sandbox cannot be had by root, as in containers; it opens nothing but the page under test.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return await chromium.launch({ executablePath: found, args })
}

/** What axe finds wrong, a line for each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  // Through the protocol of the debugger: the policy of the page lets no other script in.
  await page.evaluate(axe.source)
  return await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run()
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary = '' }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
    )
  })
}

// What runs in the page is text: these programs know Node.js and not the DOM.

const nameControls = `Array.from(document.querySelectorAll('button, input, select, summary, [tabindex="0"]'))
  .filter((element) => element.checkVisibility())
  .map((element) => {
    element.dataset.control ??=
      element.tagName + ' ' + (element.id || element.getAttribute('aria-label') || element.textContent.slice(0, 24))
    return element.dataset.control
  })`

/** Everything on the page that can be operated, in words. */
export async function controlsOf(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(nameControls)
}

/** What Tab reaches from the top of the page, by the names of {@link controlsOf}. */
export async function reachedByTab(page: Page, most: number): Promise<Set<string>> {
  const reached = new Set<string>()
  for (let n = 0; n < most; n += 1) {
    await page.keyboard.press('Tab')
    const name = await page.evaluate<string | undefined>('document.activeElement?.dataset.control')
    if (name !== undefined) reached.add(name)
  }
  return reached
}

/** Has a page remember its long tasks, for {@link longTasks}. */
export async function watchTasks(page: Page): Promise<void> {
  await page.addInitScript({
    content: `globalThis.tasks = []
      new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: 'longtask', buffered: true })`,
  })
}

/** How long each task of more than 50 ms took, in milliseconds. */
export async function longTasks(page: Page): Promise<number[]> {
  return await page.evaluate<number[]>('tasks')
}
