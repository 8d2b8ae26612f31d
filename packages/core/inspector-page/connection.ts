import type { InspectorMessage } from '../src/inspector/types.js'

/** What a {@link Connection} tells. */
export interface ConnectionEvents {
  readonly heard: (message: InspectorMessage) => void
  readonly changed: (state: 'live' | 'lost' | 'paused') => void
}

/** The stream of messages. Paused it does not exist, and costs the process nothing. */
export class Connection {
  readonly #events: ConnectionEvents
  #source: EventSource | null = null
  #retry = 0

  constructor(events: ConnectionEvents) {
    this.#events = events
  }

  open(): void {
    const source = new EventSource('/events')
    this.#source = source
    source.onopen = () => this.#events.changed('live')
    source.onmessage = ({ data }: MessageEvent<string>) => {
      this.#events.heard(JSON.parse(data) as InspectorMessage)
    }
    source.onerror = () => {
      this.#events.changed('lost')
      // After an answer that is no stream, as from a process that has too many pages, browsers do not try again.
      if (source.readyState === EventSource.CLOSED) this.#retry = window.setTimeout(() => this.open(), 3000)
    }
  }

  pause(): void {
    window.clearTimeout(this.#retry)
    this.#source?.close()
    this.#source = null
    this.#events.changed('paused')
  }
}
