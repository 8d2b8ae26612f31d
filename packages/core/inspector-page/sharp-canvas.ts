import { make } from './dom.js'

/**
 * A canvas as sharp as the screen. It is told its width: asking for it while others are being drawn would lay out the
 * page each time.
 */
export class SharpCanvas {
  readonly element = make('canvas', { role: 'img', 'aria-label': '' })
  #width = 0

  /** @param resized - draws it again */
  constructor(resized: () => void) {
    new ResizeObserver(([entry]) => {
      const width = entry?.contentRect.width ?? 0
      if (width === this.#width) return
      this.#width = width
      resized()
    }).observe(this.element)
  }

  /** 0 while it is not shown. */
  get width(): number {
    return this.#width
  }

  /** Empties it; `null` while it has no size. */
  begin(height: number): CanvasRenderingContext2D | null {
    const context = this.element.getContext('2d')
    if (context === null || this.#width === 0) return null
    const ratio = window.devicePixelRatio
    const [wide, high] = [Math.round(this.#width * ratio), Math.round(height * ratio)]
    if (this.element.width !== wide || this.element.height !== high) {
      this.element.width = wide
      this.element.height = high
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.clearRect(0, 0, this.#width, height)
    return context
  }
}
