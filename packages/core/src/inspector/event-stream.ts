import type { ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import type { Clock, Millis, Timer } from '../index.js'
import type { NounRegistry } from './registry.js'
import type { Timeline } from './timeline.js'
import type { InspectedProcess, InspectorMessage } from './types.js'

/** Changes are told together, four times a second. */
const tellEvery: Millis = 250
/** Ticks without news after which a comment shows that the stream lives: 15 seconds. */
const quietTicks = 60
const pagesAtMost = 8
/** Rows that are written before others have their turn. */
const rowsAtOnce = 500
/** Events of one message at most; the page sees by their numbers what is missing. */
const eventsOfMessage = 250
/** What may wait for a page before it is cut: it comes again, and begins anew. */
const waitingAtMost = 8 * 1024 * 1024

/** What is told. */
export interface EventSources {
  readonly clock: Clock
  readonly nouns: NounRegistry
  readonly timeline: Timeline
  readonly about: () => InspectedProcess
}

/** Tells open pages what changes, by server-sent events. Without pages it does nothing. */
export class EventStream implements Disposable {
  readonly #sources: EventSources
  readonly #pages = new Set<ServerResponse>()
  #timer: Timer | null = null
  #lastEvent = 0
  #quiet = 0

  constructor(sources: EventSources) {
    this.#sources = sources
  }

  /** How many pages are open. */
  get pages(): number {
    return this.#pages.size
  }

  /** @returns false if there are too many; nothing was answered then */
  open(page: ServerResponse): boolean {
    if (this.#pages.size >= pagesAtMost) return false
    page.on('close', () => this.#close(page))
    page.on('error', () => page.destroy())
    page.writeHead(200, { 'content-type': 'text/event-stream' })
    if (this.#pages.size === 0) this.#begin()
    this.#pages.add(page)
    void this.#tellAll(page)
    return true
  }

  [Symbol.dispose](): void {
    for (const page of [...this.#pages]) page.destroy()
  }

  #begin(): void {
    const { nouns, timeline } = this.#sources
    nouns.rest()
    this.#lastEvent = timeline.last
    this.#arm()
  }

  #close(page: ServerResponse): void {
    this.#pages.delete(page)
    if (this.#pages.size > 0) return
    this.#timer?.cancel()
    this.#timer = null
  }

  #arm(): void {
    this.#timer = this.#sources.clock
      .after(tellEvery, () => {
        this.#tell()
        this.#arm()
      })
      .unref()
  }

  /** Everything there is, in parts; what changes meanwhile comes in between, and is newer than what came before it. */
  async #tellAll(page: ServerResponse): Promise<void> {
    const { nouns, timeline, about } = this.#sources
    write(page, { hello: about(), events: timeline.after(0), omitted: nouns.omitted })
    for (const rows of nouns.rows(rowsAtOnce)) {
      if (page.destroyed) return
      write(page, { ...rows, snapshot: true })
      await (page.writableNeedDrain ? drained(page) : setImmediate())
    }
    if (!page.destroyed) write(page, { complete: true })
  }

  #tell(): void {
    const { nouns, timeline } = this.#sources
    const changes = nouns.news()
    const events = timeline.after(this.#lastEvent, eventsOfMessage)
    this.#lastEvent = timeline.last
    const isNews = changes !== null || events.length > 0
    this.#quiet = isNews ? 0 : this.#quiet + 1
    if (isNews) this.#send(lineOf({ ...changes, ...(events.length > 0 && { events }) }))
    else if (this.#quiet % quietTicks === 0) this.#send(':\n\n')
  }

  #send(text: string): void {
    for (const page of [...this.#pages]) {
      page.write(text)
      if (page.writableLength > waitingAtMost) page.destroy()
    }
  }
}

/** Settles when a page takes more, or is closed. */
function drained(page: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      page.off('drain', done).off('close', done)
      resolve()
    }
    page.on('drain', done).on('close', done)
  })
}

function write(page: ServerResponse, message: InspectorMessage): void {
  page.write(lineOf(message))
}

function lineOf(message: InspectorMessage): string {
  return `data: ${JSON.stringify(message)}\n\n`
}
