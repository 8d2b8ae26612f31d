/** Items one behind the other. */
export interface Chain<T> {
  readonly item: T
  readonly rest: Chain<T> | null
}

/**
 * An immutable queue: adding and taking cost the same however long it is. A backlog may be tens of thousands of
 * batches, and copying it for each would be quadratic.
 */
export interface Queue<T> {
  readonly front: Chain<T> | null
  /** Newest first. */
  readonly back: Chain<T> | null
}

/** A {@link Queue} with nothing in it. */
export const emptyQueue: Queue<never> = { front: null, back: null }

/** Adds at the end. */
export function push<T>(queue: Queue<T>, item: T): Queue<T> {
  if (queue.front === null) return { front: { item, rest: null }, back: null }
  return { front: queue.front, back: { item, rest: queue.back } }
}

/** Replaces the newest item if it is one that `accepts`, else adds at the end. */
export function pushOver<T>(queue: Queue<T>, item: T, accepts: (newest: T) => boolean): Queue<T> {
  if (queue.back === null || !accepts(queue.back.item)) return push(queue, item)
  return { front: queue.front, back: { item, rest: queue.back.rest } }
}

/** The oldest item. */
export function first<T>(queue: Queue<T>): T | undefined {
  return queue.front?.item
}

/** All but the oldest item. */
export function afterFirst<T>(queue: Queue<T>): Queue<T> {
  const front = queue.front?.rest ?? null
  if (front !== null) return { front, back: queue.back }
  return { front: reversed(queue.back), back: null }
}

/** Oldest first. */
export function listed<T>(queue: Queue<T>): T[] {
  const items: T[] = []
  for (let at = queue.front; at !== null; at = at.rest) items.push(at.item)
  for (let at = reversed(queue.back); at !== null; at = at.rest) items.push(at.item)
  return items
}

/** A queue of these, oldest first. */
export function queueOf<T>(items: readonly T[]): Queue<T> {
  let front: Chain<T> | null = null
  for (let index = items.length - 1; index >= 0; index -= 1) front = { item: items[index] as T, rest: front }
  return { front, back: null }
}

function reversed<T>(chain: Chain<T> | null): Chain<T> | null {
  let result: Chain<T> | null = null
  for (let at = chain; at !== null; at = at.rest) result = { item: at.item, rest: result }
  return result
}
