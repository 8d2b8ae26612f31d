import { setImmediate } from 'node:timers/promises'
import type { EventSources } from './event-stream.js'
import type { InspectedNouns, InspectorState } from './types.js'

const kinds = ['lifecycles', 'pools', 'cursors', 'rosters', 'listeners', 'feeds'] as const
/** Rows that are written before others have their turn. */
const rowsAtOnce = 500

/** Everything as it is now. */
export function stateOf({ nouns, timeline, about }: EventSources): InspectorState {
  const none: InspectedNouns = {
    lifecycles: [],
    pools: [],
    cursors: [],
    rosters: [],
    listeners: [],
    feeds: [],
  }
  const [all] = nouns.rows(Infinity)
  return { ...about(), omitted: nouns.omitted, ...none, ...all, events: timeline.after(0) }
}

/** The same as JSON. Of very many nouns the last are as they are a moment later: it does not hold the loop. */
export async function stateJson({ nouns, timeline, about }: EventSources): Promise<string> {
  const texts = new Map(kinds.map((kind) => [kind, [] as string[]]))
  for (const rows of nouns.rows(rowsAtOnce)) {
    for (const kind of kinds) if (rows[kind]) texts.get(kind)?.push(JSON.stringify(rows[kind]).slice(1, -1))
    await setImmediate()
  }
  const head = JSON.stringify({ ...about(), omitted: nouns.omitted }).slice(0, -1)
  const lists = Array.from(texts, ([kind, parts]) => `"${kind}":[${parts.join(',')}]`)
  return `${head},${lists.join(',')},"events":${JSON.stringify(timeline.after(0))}}\n`
}
