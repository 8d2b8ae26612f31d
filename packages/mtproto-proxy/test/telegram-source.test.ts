import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { testEnv } from '@holdfast/core/testing'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import type { TelegramSettings } from '../src/config/settings.js'
import { cachedCopy } from '../src/telegram/cached-copy.js'
import { type TelegramSource, telegramSource } from '../src/telegram/source.js'
import { ipToText } from '../src/wire/ip-address.js'

const secret = Buffer.alloc(128, 7)
const config = 'default 2;\nproxy_for 1 149.154.175.50:8888;\nproxy_for 2 149.154.161.144:8888;\n'

/** Telegram's site and two services that tell addresses, on loopback; every answer can be replaced. */
class Site implements AsyncDisposable {
  readonly pages = new Map<string, RequestListener>([
    ['/secret', (_, response) => response.end(secret)],
    ['/config', (_, response) => response.end(config)],
    ['/ip', (_, response) => response.end(' 192.0.2.33\n')],
  ])
  readonly asked: string[] = []
  readonly agents = new Set<string | undefined>()
  readonly #server: Server
  #waiting: (() => void)[] = []

  private constructor() {
    this.#server = createServer((request, response) => {
      this.asked.push(request.url ?? '')
      this.agents.add(request.headers['user-agent'])
      for (const wake of this.#waiting.splice(0)) wake()
      this.pages.get(request.url ?? '')?.(request, response)
    })
  }

  static async start(): Promise<Site> {
    const site = new Site()
    await new Promise<void>((resolve) => site.#server.listen(0, '127.0.0.1', resolve))
    return site
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`
  }

  settings(more: Partial<TelegramSettings> = {}): TelegramSettings {
    return {
      secret: { kind: 'url', at: this.url('/secret') },
      config: { kind: 'url', at: this.url('/config') },
      httpWithin: 3000,
      refreshEvery: 3_600_000,
      externalIp: null,
      ipServices: [this.url('/ip')],
      ...more,
    }
  }

  /** Waits until a page has been asked for so often. */
  async wasAsked(path: string, times: number): Promise<void> {
    while (this.asked.filter((each) => each === path).length < times) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

const answers =
  (status: number, body: string | Buffer = ''): RequestListener =>
  (_, response) =>
    response.writeHead(status).end(body)
const hangs: RequestListener = () => {}
const breaksOff: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-length': 100 })
  response.write('abc', () => response.destroy())
}

function facts({ current }: TelegramSource): object {
  return {
    secret: current.proxySecret.length,
    dcs: [...current.config.datacenters.keys()],
    defaultDc: current.config.defaultDc,
    ip: current.externalIp && ipToText(current.externalIp),
  }
}

describe("4 Telegram's configuration", () => {
  it('is fetched at the start: address, secret, list; by name', async () => {
    await using site = await Site.start()
    const env = testEnv()
    await using source = await telegramSource({ env, settings: site.settings(), userAgent: 'demo/1.0' })
    expect(facts(source)).toEqual({ secret: 128, dcs: [1, 2], defaultDc: 2, ip: '192.0.2.33' })
    expect(site.asked).toEqual(['/ip', '/secret', '/config'])
    expect([...site.agents]).toEqual(['demo/1.0'])
    env.clock.advance(5000)
    expect(source.age).toBe(5000)
  })

  it.each([
    ['/secret', 'another status', answers(500, secret), /secret: answers HTTP 500/],
    ['/secret', 'a redirect', answers(302, secret), /answers HTTP 302/],
    [
      '/secret',
      'a short secret',
      answers(200, secret.subarray(0, 31)),
      /has 31 bytes, a secret has 32 to 256/,
    ],
    ['/secret', 'a long secret', answers(200, Buffer.alloc(257)), /answers more than 256 bytes/],
    ['/config', 'a page without addresses', answers(200, '<html>'), /has no line that begins with proxy_for/],
    [
      '/config',
      'an endless page',
      answers(200, Buffer.alloc(1_048_577, 35)),
      /answers more than 1048576 bytes/,
    ],
    ['/config', 'half an answer', breaksOff, /config: (breaks off|ECONNRESET)/],
    ['/ip', 'no address', answers(200, 'hello'), /something else than an IPv4 address/],
    ['/ip', 'an address of IPv6', answers(200, '2001:db8::1'), /set external_ip/],
  ] as const)('at %s: %s is fatal at the start', async (path, _, page, message) => {
    await using site = await Site.start()
    site.pages.set(path, page)
    const failed = telegramSource({ env: testEnv(), settings: site.settings() })
    await expect(failed).rejects.toMatchObject({ code: 'HF_MTPROTO_NO_TELEGRAM' })
    await expect(failed).rejects.toThrow(message)
    await expect(failed).rejects.toThrow('check the network, or give proxy_secret_file')
  })

  it('is not waited for longer than core_api_http_timeout_ms', async () => {
    await using site = await Site.start()
    site.pages.set('/config', hangs)
    const env = testEnv()
    const failed = telegramSource({ env, settings: site.settings({ httpWithin: 3000 }) })
    failed.catch(() => {})
    await site.wasAsked('/config', 1)
    env.clock.advance(3000)
    await expect(failed).rejects.toThrow('no answer within 3000 ms')
    expect(env.clock.pending).toBe(0)
  })

  it('is not waited for when the program is told to stop', async () => {
    await using site = await Site.start()
    site.pages.set('/secret', hangs)
    const stop = new AbortController()
    const failed = telegramSource({ env: testEnv(), settings: site.settings(), signal: stop.signal })
    failed.catch(() => {})
    await site.wasAsked('/secret', 1)
    stop.abort(new Error('told to stop'))
    await expect(failed).rejects.toThrow('told to stop')
  })

  it('says so when nobody answers at all', async () => {
    const at = { kind: 'url', at: 'http://127.0.0.1:1/' } as const
    const settings = {
      secret: at,
      config: at,
      httpWithin: 3000,
      refreshEvery: 1,
      externalIp: '192.0.2.1',
      ipServices: [],
    }
    await expect(telegramSource({ env: testEnv(), settings })).rejects.toThrow(
      'http://127.0.0.1:1/: ECONNREFUSED',
    )
  })

  it('comes from files, if there are', async () => {
    await using folder = await temporaryFolder()
    const [secretFile, configFile] = [join(folder.path, 'secret'), join(folder.path, 'config')]
    await writeFile(secretFile, secret)
    await writeFile(configFile, config)
    const settings: TelegramSettings = {
      secret: { kind: 'file', at: secretFile },
      config: { kind: 'file', at: configFile },
      httpWithin: 3000,
      refreshEvery: 3_600_000,
      externalIp: '192.0.2.1',
      ipServices: [],
    }
    await using source = await telegramSource({ env: testEnv(), settings })
    expect(facts(source)).toEqual({ secret: 128, dcs: [1, 2], defaultDc: 2, ip: '192.0.2.1' })
    await writeFile(configFile, 'proxy_for 5 149.154.175.50:8888;')
    expect(await source.refresh()).toBe(true)
    expect(facts(source)).toMatchObject({ dcs: [5], defaultDc: null })
    await rm(secretFile)
    expect(await source.refresh()).toBe(false)
  })
})

describe('4 the address of this host', () => {
  it('is that of the first service that tells it', async () => {
    await using site = await Site.start()
    site.pages.set('/bad', answers(503))
    site.pages.set('/worse', answers(200, 'x'.repeat(257)))
    const ipServices = ['/bad', '/worse', '/ip', '/never'].map((path) => site.url(path))
    await using source = await telegramSource({ env: testEnv(), settings: site.settings({ ipServices }) })
    expect(facts(source)).toMatchObject({ ip: '192.0.2.33' })
    expect(site.asked).not.toContain('/never')
  })

  it('is not asked for if it is given, or if there are no services', async () => {
    await using site = await Site.start()
    const env = testEnv()
    await using given = await telegramSource({ env, settings: site.settings({ externalIp: '192.0.2.1' }) })
    expect(facts(given)).toMatchObject({ ip: '192.0.2.1' })
    await using none = await telegramSource({ env, settings: site.settings({ ipServices: [] }) })
    expect(facts(none)).toMatchObject({ ip: null })
    expect(site.asked).not.toContain('/ip')
  })

  it('stays what it was while nobody tells', async () => {
    await using site = await Site.start()
    await using source = await telegramSource({ env: testEnv(), settings: site.settings() })
    site.pages.set('/ip', answers(500))
    site.pages.set('/config', answers(200, 'proxy_for 3 149.154.175.100:8888;'))
    expect(await source.refresh()).toBe(true)
    expect(facts(source)).toMatchObject({ dcs: [3], ip: '192.0.2.33' })
  })
})

describe('4 a refresh', () => {
  it('happens every conf_refresh_interval, and tells of changes only', async () => {
    await using site = await Site.start()
    const env = testEnv()
    await using source = await telegramSource({ env, settings: site.settings({ refreshEvery: 60_000 }) })
    const told: (readonly number[])[] = []
    source.current$.subscribe(({ config: { datacenters } }) => told.push([...datacenters.keys()]))
    env.clock.advance(60_000)
    await site.wasAsked('/config', 2)
    site.pages.set('/config', answers(200, 'proxy_for 4 149.154.167.91:8888;'))
    await source.refresh()
    env.clock.advance(59_999)
    expect(site.asked.filter((path) => path === '/config')).toHaveLength(3)
    env.clock.advance(1)
    await site.wasAsked('/config', 4)
    expect(told).toEqual([[1, 2], [4]])
  })

  it('that fails only says so, and keeps what there is', async () => {
    await using site = await Site.start()
    const env = testEnv()
    const warnings: object[] = []
    const log = { ...env.log, warn: (fields: object, text: string) => warnings.push({ ...fields, text }) }
    await using source = await telegramSource({ env: { ...env, log }, settings: site.settings() })
    for (const page of [answers(500), answers(200, 'nonsense'), breaksOff]) {
      site.pages.set('/config', page)
      expect(await source.refresh()).toBe(false)
    }
    expect(facts(source)).toMatchObject({ dcs: [1, 2] })
    expect(warnings).toHaveLength(3)
    expect(warnings[0]).toMatchObject({
      text: "keeping Telegram's configuration as it was",
      reason: expect.stringContaining('answers HTTP 500') as unknown,
    })
    site.pages.set('/config', answers(200, `proxy_for 1 nowhere;\n${config}`))
    expect(await source.refresh()).toBe(true)
    expect(warnings[3]).toMatchObject({ lines: ['proxy_for 1 nowhere;'] })
  })

  it('goes by new settings after a reload', async () => {
    await using site = await Site.start()
    const env = testEnv()
    await using source = await telegramSource({ env, settings: site.settings() })
    const next = site.settings({ externalIp: '198.51.100.1', refreshEvery: 1000 })
    expect(await source.refresh(next)).toBe(true)
    expect(facts(source)).toMatchObject({ ip: '198.51.100.1' })
    env.clock.advance(1000)
    await site.wasAsked('/config', 3)
  })

  it('ends with its owner: no timer, no request, and the stream completes', async () => {
    await using site = await Site.start()
    const env = testEnv()
    const source = await telegramSource({ env, settings: site.settings() })
    let isComplete = false
    source.current$.subscribe({ complete: () => (isComplete = true) })
    site.pages.set('/secret', hangs)
    const running = source.refresh()
    await site.wasAsked('/secret', 2)
    await source[Symbol.asyncDispose]()
    expect([await running, await source.refresh(), isComplete, env.clock.pending]).toEqual([
      false,
      false,
      true,
      0,
    ])
  })
})

describe('4 the copy on disk', () => {
  it('is what the program starts with when nobody answers', async () => {
    await using site = await Site.start()
    await using folder = await temporaryFolder()
    const env = testEnv()
    {
      await using source = await telegramSource({
        env,
        settings: site.settings(),
        cache: cachedCopy(folder.path),
      })
      expect(source.age).toBe(0)
    }
    for (const path of site.pages.keys()) site.pages.set(path, answers(503))
    await using source = await telegramSource({
      env,
      settings: site.settings(),
      cache: cachedCopy(folder.path),
    })
    expect(facts(source)).toEqual({ secret: 128, dcs: [1, 2], defaultDc: 2, ip: '192.0.2.33' })
    expect(source.age).toBeNull()
    site.pages
      .set('/secret', answers(200, secret))
      .set('/config', answers(200, 'proxy_for 3 149.154.175.100:8888;'))
    expect(await source.refresh()).toBe(true)
    expect(facts(source)).toMatchObject({ dcs: [3] })
    expect(await readFile(join(folder.path, 'telegram.json'), 'utf8')).toContain('proxy_for 3')
  })

  it('that is damaged, or cannot be written, stops nobody', async () => {
    await using site = await Site.start()
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'telegram.json'), '{"version":1,"secret":7}')
    const cache = cachedCopy(folder.path)
    await using source = await telegramSource({ env: testEnv(), settings: site.settings(), cache })
    expect(facts(source)).toMatchObject({ dcs: [1, 2] })
    for (const path of site.pages.keys()) site.pages.set(path, answers(503))
    await expect(telegramSource({ env: testEnv(), settings: site.settings(), cache })).rejects.toMatchObject({
      code: 'HF_MTPROTO_NO_TELEGRAM',
    })
  })
})
