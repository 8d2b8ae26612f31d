import type { PhaseChange } from '../src/inspector/types.js'

/** Phases of lifecycles: the more trouble, the earlier. */
export const phases: readonly PhaseChange[1][] = [
  'failed',
  'waiting',
  'dialing',
  'handshaking',
  'draining',
  'ready',
  'idle',
  'closed',
]

/** The colours of the style sheet, read again when the scheme changes. */
export class Colours {
  #known = new Map<string, string>()

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#known.clear())
  }

  of(name: string): string {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const colour = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
    this.#known.set(name, colour)
    return colour
  }
}

/** Makes a canvas as sharp as the screen; `null` while it has no size. */
export function sharp(
  canvas: HTMLCanvasElement,
  height: number,
): { readonly context: CanvasRenderingContext2D; readonly width: number } | null {
  const width = canvas.clientWidth
  const ratio = window.devicePixelRatio
  const context = canvas.getContext('2d')
  if (context === null || width === 0) return null
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)]
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide
    canvas.height = high
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  return { context, width }
}
