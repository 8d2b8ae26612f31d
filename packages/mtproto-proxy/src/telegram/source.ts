import { type Env, HoldfastError, type Millis, type Store, type Timer } from '@holdfast/core'
import { BehaviorSubject, type Observable } from 'rxjs'
import type { TelegramSettings } from '../config/settings.js'
import { ipToText, parseIp } from '../wire/ip-address.js'
import { parseProxyConfig } from '../wire/proxy-config.js'
import { type CachedCopy, foundIp } from './cached-copy.js'
import type { TelegramAccess } from './data-center-settings.js'
import { type DocumentOptions, getExternalIp, getProxyConfig, getProxySecret } from './documents.js'

/** Options of {@link telegramSource}. */
export interface TelegramSourceOptions {
  readonly env: Env
  readonly settings: TelegramSettings
  /**
   * Where the last good answers are kept, see {@link cachedCopy}.
   *
   * @defaultValue nowhere: without answers there is no start
   */
  readonly cache?: Store<CachedCopy> | undefined
  /** @defaultValue 'holdfast-mtproto-proxy' */
  readonly userAgent?: string | undefined
  /** Gives up starting. */
  readonly signal?: AbortSignal | undefined
}

/** Telegram's configuration, kept fresh until it is disposed of. */
export interface TelegramSource extends AsyncDisposable {
  readonly current: TelegramAccess
  /** Replays the current one, tells of every change, never errors, completes when disposed of. */
  readonly current$: Observable<TelegramAccess>
  /** How long ago the current one was got, in milliseconds; `null` while it is the copy from an earlier run. */
  readonly age: Millis | null
  /**
   * Gets it anew, by other settings if given, as after a reload. Never rejects.
   *
   * @returns whether it worked; if not, the old one is kept and the log says why
   */
  refresh(settings?: TelegramSettings): Promise<boolean>
}

/** The answers, as they are kept and as they are used. */
interface Answers {
  readonly copy: CachedCopy
  readonly access: TelegramAccess
}

/**
 * Gets Telegram's secret, its list of middle proxies and the address of this host – over HTTP, or from files – and again every
 * `refreshEvery`. What does not work then is logged, and changes nothing (spec 4).
 *
 * @throws a `HoldfastError` `HF_MTPROTO_NO_TELEGRAM` when it cannot be got at the start and there is no copy of it
 */
export async function telegramSource(options: TelegramSourceOptions): Promise<TelegramSource> {
  const { env, settings, cache, signal } = options
  try {
    const first = await get(settings, null, options)
    await keep(first.copy, options)
    return new Source(first.access, env.clock.now(), options)
  } catch (cause) {
    signal?.throwIfAborted()
    const copy = await load(cache, env)
    if (copy === null) {
      throw new HoldfastError(
        'HF_MTPROTO_NO_TELEGRAM',
        `cannot get Telegram's configuration, and there is no earlier copy of it: ${reasonOf(cause)}; check the network, or give proxy_secret_file, proxy_config_file and external_ip`,
        { cause },
      )
    }
    env.log.warn({ reason: reasonOf(cause) }, "starting with an earlier copy of Telegram's configuration")
    return new Source(accessOf(copy, settings), null, options)
  }
}

class Source implements TelegramSource {
  readonly #options: TelegramSourceOptions
  readonly #current$: BehaviorSubject<TelegramAccess>
  readonly #ending = new AbortController()
  #settings: TelegramSettings
  #gotAt: Millis | null
  #timer: Timer | null = null
  /** One after the other: two must not overwrite each other's answers. */
  #running: Promise<unknown> = Promise.resolve()

  constructor(first: TelegramAccess, gotAt: Millis | null, options: TelegramSourceOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#gotAt = gotAt
    this.#current$ = new BehaviorSubject(first)
    this.#schedule()
  }

  get current(): TelegramAccess {
    return this.#current$.value
  }

  get current$(): Observable<TelegramAccess> {
    return this.#current$.asObservable()
  }

  get age(): Millis | null {
    return this.#gotAt === null ? null : this.#options.env.clock.now() - this.#gotAt
  }

  refresh(settings?: TelegramSettings): Promise<boolean> {
    const next = this.#running.then(() => this.#refresh(settings ?? this.#settings))
    this.#running = next
    return next
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    this.#timer?.cancel()
    await this.#running
    this.#current$.complete()
  }

  async #refresh(settings: TelegramSettings): Promise<boolean> {
    const { env } = this.#options
    if (this.#hasEnded()) return false
    this.#settings = settings
    this.#schedule()
    try {
      const { access, copy } = await get(settings, this.current, {
        ...this.#options,
        signal: this.#ending.signal,
      })
      this.#gotAt = env.clock.now()
      await keep(copy, this.#options)
      if (this.#hasEnded()) return false
      if (!isSame(access, this.current)) this.#current$.next(access)
      return true
    } catch (cause) {
      if (!this.#hasEnded())
        env.log.warn({ reason: reasonOf(cause) }, "keeping Telegram's configuration as it was")
      return false
    }
  }

  #hasEnded(): boolean {
    return this.#ending.signal.aborted
  }

  #schedule(): void {
    this.#timer?.cancel()
    this.#timer = this.#options.env.clock.after(this.#settings.refreshEvery, () => void this.refresh())
    this.#timer.unref()
  }
}

/** @param known - whose address is taken when nobody tells ours now */
async function get(
  settings: TelegramSettings,
  known: TelegramAccess | null,
  { env, userAgent = 'holdfast-mtproto-proxy', signal }: TelegramSourceOptions,
): Promise<Answers> {
  const o: DocumentOptions = { clock: env.clock, within: settings.httpWithin, userAgent, signal }
  const externalIp = await externalIpOf(settings, known, { env, o })
  const secret = await getProxySecret(settings.secret, o)
  const config = await getProxyConfig(settings.config, o)
  const copy: CachedCopy = { version: 1, secret: secret.toString('base64'), config, externalIp }
  const access = accessOf(copy, settings)
  const { problems } = parseProxyConfig(config)
  if (problems.length > 0)
    env.log.warn({ lines: problems }, "lines of Telegram's configuration make no sense")
  return { copy, access }
}

async function externalIpOf(
  { externalIp, ipServices }: TelegramSettings,
  known: TelegramAccess | null,
  { env, o }: { env: Env; o: DocumentOptions },
): Promise<string | null> {
  if (externalIp !== null) return externalIp
  if (ipServices.length === 0) return null
  try {
    return await getExternalIp(ipServices, o)
  } catch (cause) {
    if (known?.externalIp == null) throw cause
    env.log.warn({ reason: reasonOf(cause) }, 'nobody tells the address of this host; keeping what it was')
    return ipToText(known.externalIp)
  }
}

function accessOf(copy: CachedCopy, settings: TelegramSettings): TelegramAccess {
  const { secret, config } = copy
  const ip = settings.externalIp ?? foundIp(copy, settings)
  return {
    proxySecret: Buffer.from(secret, 'base64'),
    config: parseProxyConfig(config),
    externalIp: ip === null ? null : parseIp(ip),
  }
}

function isSame(a: TelegramAccess, b: TelegramAccess): boolean {
  const [textA, textB] = [a, b].map(({ proxySecret, config, externalIp }) =>
    JSON.stringify([
      [...proxySecret],
      config.defaultDc,
      [...config.datacenters],
      externalIp && ipToText(externalIp),
    ]),
  )
  return textA === textB
}

async function load(cache: Store<CachedCopy> | undefined, env: Env): Promise<CachedCopy | null> {
  try {
    return (await cache?.load()) ?? null
  } catch (err) {
    env.log.warn({ err }, "the copy of Telegram's configuration cannot be used")
    return null
  }
}

/** A copy is a convenience: that it cannot be written stops nobody. */
async function keep(copy: CachedCopy, { env, cache }: TelegramSourceOptions): Promise<void> {
  try {
    await cache?.save(copy)
  } catch (err) {
    env.log.warn({ err }, "no copy of Telegram's configuration could be kept")
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
