import type { NounRecord } from '../index.js'
import { CursorView } from './cursor-view.js'
import { FeedView } from './feed-view.js'
import { LifecycleView } from './lifecycle-view.js'
import { ListenerView } from './listener-view.js'
import { PoolView } from './pool-view.js'
import { RosterView } from './roster-view.js'
import type { View, ViewHost } from './view.js'

/** How a noun is looked at. */
export function viewOf(id: number, record: NounRecord, host: ViewHost): View {
  switch (record.kind) {
    case 'lifecycle':
      return new LifecycleView(id, record, host)
    case 'pool':
      return new PoolView(id, record)
    case 'cursor':
      return new CursorView(id, record)
    case 'roster':
      return new RosterView(id, record)
    case 'listener':
      return new ListenerView(id, record)
    case 'feed':
      return new FeedView(id, record)
  }
}
