import type { InspectedEnd, InspectedPosition } from './types.js'

const longest = 240

/** A text for other eyes: not too long, and without credentials and queries of URLs. */
export function tidyText(text: string): string {
  const short = text.length > longest ? `${text.slice(0, longest)}…` : text
  return short.replace(/\/\/[^/@\s]*@/g, '//…@').replace(/(\w:\/\/[^\s?#]*)[?#]\S*/g, '$1?…')
}

/** An end without its cause, which may be anything. */
export function tidyEnd(why: object): InspectedEnd {
  const { kind, advice, code, detail } = why as {
    readonly kind?: unknown
    readonly advice?: { readonly kind?: unknown }
    readonly code?: unknown
    readonly detail?: unknown
  }
  return {
    kind: String(kind),
    ...(typeof advice?.kind === 'string' && { advice: advice.kind }),
    ...(typeof code === 'string' && { code: tidyText(code) }),
    ...(typeof code === 'number' && { code }),
    ...(typeof detail === 'string' && { detail: tidyText(detail) }),
  }
}

/** A position or a key of whatever kind. */
export function tidyPosition(at: unknown): InspectedPosition {
  if (at === null || at === undefined) return null
  if (typeof at === 'number') return at
  if (typeof at === 'bigint' || typeof at === 'string') return tidyText(String(at))
  try {
    return tidyText(
      JSON.stringify(at, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    )
  } catch {
    // Circular, perhaps: there is nothing to show but that there is one.
    return '(a position)'
  }
}
