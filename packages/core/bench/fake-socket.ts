/** A WebSocket without a network, for the libraries that want one: opens, or closes, a moment after it was made. */
export class FakeSocket {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSING = 2
  static readonly CLOSED = 3
  /** What becomes of new ones. */
  static next: 'open' | 'close' = 'open'
  /** The newest one. */
  static last: FakeSocket
  readonly url: string
  readyState = FakeSocket.CONNECTING
  binaryType = 'blob'
  readonly bufferedAmount = 0
  onopen: ((event: object) => void) | null = null
  onmessage: ((event: object) => void) | null = null
  onerror: ((event: object) => void) | null = null
  onclose: ((event: object) => void) | null = null

  constructor(url: string) {
    this.url = url
    FakeSocket.last = this
    const { next } = FakeSocket
    queueMicrotask(() => (next === 'open' ? this.#open() : this.#close()))
  }

  #open(): void {
    this.readyState = FakeSocket.OPEN
    this.onopen?.({ type: 'open' })
  }

  #close(): void {
    this.readyState = FakeSocket.CLOSED
    this.onclose?.({ type: 'close', code: 1006, reason: '', wasClean: false })
  }

  addEventListener(type: 'open' | 'message' | 'error' | 'close', listener: (event: object) => void): void {
    this[`on${type}`] = listener
  }

  removeEventListener(type: 'open' | 'message' | 'error' | 'close'): void {
    this[`on${type}`] = null
  }

  send(): void {}

  close(): void {
    this.readyState = FakeSocket.CLOSED
  }
}

/** The class as the libraries declare it. */
export const fakeWebSocket = FakeSocket as unknown as typeof WebSocket
