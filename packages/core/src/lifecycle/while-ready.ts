import { EMPTY, type Observable, switchMap } from 'rxjs'
import type { LinkProtocol } from '../link/types.js'
import type { Lifecycle } from './types.js'

/**
 * A pipeline that survives reconnects: subscribes to what `project` makes of each ready link, and to nothing
 * between links. Completes with the lifecycle.
 *
 * @example
 * ```ts ignore
 * whileReady(relay, (session) => session.messages$).subscribe((message) => show(message))
 * ```
 */
export function whileReady<P extends LinkProtocol, T>(
  lifecycle: Lifecycle<P>,
  project: (protocol: P) => Observable<T>,
): Observable<T> {
  return lifecycle.current$.pipe(switchMap((protocol) => (protocol === null ? EMPTY : project(protocol))))
}
