import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { end } from '../src/index.js'
import { type Inspector, serveInspector } from '../src/inspector/index.js'
import { ask, plainLifecycle, Reader, rig } from './inspector-rig.js'

const opened: (AsyncDisposable | Disposable)[] = []
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) {
    if (Symbol.asyncDispose in thing) await thing[Symbol.asyncDispose]()
    else thing[Symbol.dispose]()
  }
})

async function started(): ReturnType<typeof rig> {
  const made = await rig()
  opened.push(made)
  return made
}

async function reading({ url }: Inspector): Promise<Reader> {
  const reader = await Reader.open(url)
  opened.push(reader)
  return reader
}

describe('the inspector', () => {
  it('serves a page that may run its own script and nothing else', async () => {
    const { inspector } = await started()
    const { headers, text } = await ask(inspector.url)
    const policy = String(headers['content-security-policy'])
    for (const [, tag, inline = ''] of text.matchAll(/<(script|style)>([^]*?)<\/\1>/g)) {
      const hash = createHash('sha256').update(inline).digest('base64')
      expect(policy).toContain(`${tag}-src 'sha256-${hash}'`)
    }
    expect(policy).toMatch(/^default-src 'none'; .*connect-src 'self'; .*frame-ancestors 'none'$/)
    expect(text).not.toMatch(/(src|href)="?(https?:)?\/\//)
    expect(text.length).toBeLessThan(64 * 1024)
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    })
    expect(headers['access-control-allow-origin']).toBeUndefined()
  })

  it('answers its state as JSON, of very many nouns too', async () => {
    const { inspector, named } = await started()
    const lives = Array.from({ length: 1200 }, (_, n) => plainLifecycle(named(`relay ${n}`)))
    opened.push(...lives)
    const { headers, text } = await ask(`${inspector.url}state`)
    expect(headers['content-type']).toBe('application/json')
    expect(JSON.parse(text)).toEqual(inspector.state())
    expect(inspector.state().lifecycles).toHaveLength(1200)
  })

  it('answers metrics where there are some', async () => {
    const { inspector } = await started()
    expect((await ask(`${inspector.url}metrics`)).status).toBe(404)
    const metrics = { contentType: 'text/plain', metrics: async () => 'up 1\n' }
    const other = await serveInspector({ at: '0', program: 'test', metrics })
    opened.push(other)
    expect(await ask(`${other.url}metrics`)).toMatchObject({ status: 200, text: 'up 1\n' })
    const broken = await serveInspector({
      at: '0',
      program: 'test',
      metrics: { contentType: 'text/plain', metrics: () => Promise.reject(new Error('no')) },
    })
    opened.push(broken)
    expect((await ask(`${broken.url}metrics`)).status).toBe(500)
  })

  it.each(['', 'state', 'events', 'metrics'])(
    'refuses other sites and names that are not its own at /%s',
    async (path) => {
      const { inspector } = await started()
      const url = `${inspector.url}${path}`
      expect((await ask(url, { origin: 'https://evil.example' })).status).toBe(403)
      expect((await ask(url, { host: 'evil.example' })).status).toBe(403)
      expect((await ask(url, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' })).status).toBe(403)
    },
  )

  it('changes nothing', async () => {
    const { inspector } = await started()
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      expect(await ask(inspector.url, {}, method)).toMatchObject({
        status: 405,
        headers: { allow: 'GET, HEAD' },
      })
    }
    expect((await ask(`${inspector.url}events`, {}, 'HEAD')).status).toBe(200)
    expect((await ask(`${inspector.url}nowhere`)).status).toBe(404)
    expect(inspector.pages).toBe(0)
  })

  it('says where it cannot listen', async () => {
    await expect(serveInspector({ at: 'nowhere', program: 'test' })).rejects.toThrow(
      'inspect must be HOST:PORT',
    )
    const { inspector } = await started()
    const { host } = new URL(inspector.url)
    await expect(serveInspector({ at: host, program: 'test' })).rejects.toMatchObject({
      code: 'HF_LISTEN_FAILED',
    })
  })
})

describe('an open page', () => {
  it('is told first what there is, and then what changes, together four times a second', async () => {
    const { inspector, clock, named } = await started()
    const life = plainLifecycle(named('relay a'))
    opened.push(life)
    const page = await reading(inspector)
    expect((await page.until(({ hello }) => hello !== undefined)).hello).toMatchObject({
      program: 'test',
      pid: process.pid,
    })
    const snapshot = await page.until(({ lifecycles }) => lifecycles !== undefined)
    expect(snapshot).toMatchObject({
      snapshot: true,
      lifecycles: [{ name: 'relay a', history: [[expect.any(Number), 'idle']] }],
    })
    await page.until(({ complete }) => complete === true)

    life.start()
    clock.advance(5)
    life.restart(end('silent'))
    clock.advance(244)
    await new Promise((resolve) => setImmediate(resolve))
    expect(page.messages).toEqual([])
    clock.advance(1)
    const { lifecycles = [], events = [] } = await page.until((message) => message.lifecycles !== undefined)
    expect(lifecycles).toHaveLength(1)
    expect(lifecycles[0]?.history.map(([, phase]) => phase).slice(0, 4)).toEqual([
      'dialing',
      'handshaking',
      'ready',
      'waiting',
    ])
    expect(events.length).toBeGreaterThan(3)
    life.close()
    clock.advance(250)
    const next = await page.until((message) => message.lifecycles !== undefined)
    expect(next.lifecycles?.[0]?.history.map(([, phase]) => phase).at(-1)).toBe('closed')
    expect(next.lifecycles?.[0]?.history.length).toBeLessThan(4)
    clock.advance(20_000)
    expect((await page.until(({ gone }) => gone !== undefined)).gone).toEqual([lifecycles[0]?.id])
  })

  it('is told of no more than 250 events at a time, and can count what it missed', async () => {
    const { inspector, clock, named } = await started()
    const page = await reading(inspector)
    await page.until(({ complete }) => complete === true)
    const { trace } = named('busy')
    for (let n = 0; n < 1000; n += 1) trace?.('drain', { kind: 'begun' })
    clock.advance(250)
    const { events = [] } = await page.until((message) => message.events !== undefined)
    expect([events.length, events[0]?.seq]).toEqual([250, 751])
  })

  it('is one of eight at most', async () => {
    const { inspector } = await started()
    for (let n = 0; n < 8; n += 1) await reading(inspector)
    await expect(Reader.open(inspector.url)).rejects.toThrow('503')
    expect(inspector.pages).toBe(8)
  })

  it('costs nothing once it is closed', async () => {
    const { inspector, clock } = await started()
    const page = await reading(inspector)
    await page.until(({ complete }) => complete === true)
    expect(clock.nextAt).toBe(250)
    page[Symbol.dispose]()
    await expect.poll(() => inspector.pages).toBe(0)
    // The next time that it does anything, it looks for garbage.
    expect(clock.nextAt).toBe(5000)
  })

  it('is cut when it does not read', async () => {
    const { inspector, clock, named } = await started()
    const { hostname, port } = new URL(inspector.url)
    const socket = connect(Number(port), hostname)
    opened.push({ [Symbol.dispose]: () => void socket.destroy() })
    await once(socket, 'connect')
    socket.pause()
    socket.write(`GET /events HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
    await expect.poll(() => inspector.pages).toBe(1)
    const { trace } = named('busy')
    const detail = 'x'.repeat(240)
    await expect
      .poll(
        () => {
          for (let n = 0; n < 250; n += 1)
            trace?.('link', { kind: detail, name: detail, why: { kind: detail, detail } })
          for (let n = 0; n < 40; n += 1) clock.advance(250)
          return inspector.pages
        },
        { timeout: 4000, interval: 1 },
      )
      .toBe(0)
  })
})
