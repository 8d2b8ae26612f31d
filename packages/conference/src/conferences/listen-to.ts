import type { Observable, Subscription } from 'rxjs'

/** Subscribes to an observable that does not fail, as none of this package does: it ends with its owner. */
export function listenTo<T>(source$: Observable<T>, next: (value: T) => void): Subscription {
  return source$.subscribe({ next, error: (cause: unknown) => unexpected(cause) })
}

function unexpected(cause: unknown): never {
  throw new Error('an observable failed that never does', { cause })
}
