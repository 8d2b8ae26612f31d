import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers'
import type { Dialer, Env, Store } from '@holdfast/core'
import type { Subscription } from 'rxjs'
import type { ProxySettings } from '../config/settings.js'
import type { ProxyMetrics } from '../metrics/types.js'
import type { CachedCopy } from '../telegram/cached-copy.js'
import { dataCenters, type LocalDataCenters } from '../telegram/data-centers.js'
import { type TelegramSource, telegramSource } from '../telegram/source.js'

/** Options of {@link TelegramHalf.open}. */
export interface TelegramHalfOptions {
  readonly env: Env
  readonly settings: ProxySettings
  readonly metrics: ProxyMetrics
  readonly dialer: Dialer
  readonly cache: Store<CachedCopy> | undefined
  readonly signal: AbortSignal | undefined
}

/** Telegram's configuration, and the pools that follow it. */
export class TelegramHalf implements AsyncDisposable {
  readonly source: TelegramSource
  readonly centers: LocalDataCenters
  readonly #following: Subscription

  /** @throws a `HoldfastError` `HF_MTPROTO_NO_TELEGRAM` */
  static async open(options: TelegramHalfOptions): Promise<TelegramHalf> {
    const { env, settings, cache, signal } = options
    const source = await telegramSource({ env, settings: settings.telegram, cache, signal })
    return new TelegramHalf(source, options)
  }

  private constructor(source: TelegramSource, { env, settings, metrics, dialer }: TelegramHalfOptions) {
    this.source = source
    this.centers = dataCenters({
      ...settings.dataCenter,
      env,
      metrics,
      dialer,
      randomBytes,
      afterTurn: setImmediate,
      telegram: source.current,
    })
    this.#following = source.current$.subscribe({
      next: (telegram) => this.centers.reload({ telegram }),
      error: (err: unknown) => env.log.error({ err }, "Telegram's configuration is not followed any more"),
    })
  }

  /** Takes other settings, and gets Telegram's configuration anew. */
  async reload(settings: ProxySettings): Promise<void> {
    this.centers.reload({ settings: settings.dataCenter })
    await this.source.refresh(settings.telegram)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#following.unsubscribe()
    this.centers.close()
    await this.source[Symbol.asyncDispose]()
  }
}
