import { Connection } from './connection.js'
import { Cursors } from './cursors.js'
import { byId, isOn, make, setText } from './dom.js'
import { Lifecycles } from './lifecycles.js'
import { Listeners } from './listeners.js'
import { Colours } from './phases.js'
import { Pools } from './pools.js'
import { Rosters } from './rosters.js'
import { Store } from './store.js'
import { TimelineView } from './timeline.js'

/** What changes is shown no more often than this: the eye does not need it. */
const updateEveryMs = 250
/** Strips and ages go on by themselves. */
const moveEveryMs = 1000

const store = new Store()
const colours = new Colours()
const findField = byId('find', HTMLInputElement)
const find = (): string => findField.value.trim().toLowerCase()
const lifecycles = new Lifecycles(store, colours, find)
const pools = new Pools(store, colours, find)
const cursors = new Cursors(store, find)
const rosters = new Rosters(store, find)
const listeners = new Listeners(store, find)
const timeline = new TimelineView(store)
const pauseButton = byId('pause', HTMLButtonElement)
const status = byId('status', HTMLParagraphElement)

const connection = new Connection({
  heard: (message) => store.apply(message),
  changed: (state) => {
    status.className = state
    setText(status, { live: 'live', lost: 'connection lost, trying again', paused: 'paused' }[state])
  },
})

const updates = {
  lifecycles: () => lifecycles.update(),
  pools: () => pools.update(),
  cursors: () => cursors.update(),
  rosters: () => rosters.update(),
  listeners: () => listeners.update(),
  feeds: () => listeners.update(),
  events: () => timeline.update(),
} as const

function update(): void {
  if (document.hidden || store.changed.size === 0) return
  const changed = [...store.changed]
  store.changed.clear()
  const { process } = store
  if (process !== null) {
    const { program, pid, node } = process
    setText(byId('process', HTMLElement), `${program}, process ${pid}, Node.js ${node}`)
    document.title = `${program} · Holdfast inspector`
  }
  for (const kind of changed) updates[kind]()
}

function updateAll(): void {
  for (const kind of Object.keys(updates) as (keyof typeof updates)[]) store.changed.add(kind)
  update()
}

function pause(): void {
  const isPaused = !isOn(pauseButton)
  pauseButton.setAttribute('aria-pressed', String(isPaused))
  setText(pauseButton, isPaused ? 'Resume' : 'Pause')
  store.hold(isPaused)
  if (isPaused) connection.pause()
  else connection.open()
}

function exportAll(): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(store)], { type: 'application/json' }))
  const stamp = new Date(store.now).toISOString().replace(/[:.]/g, '-')
  make('a', {
    href: url,
    download: `holdfast-${store.process?.program ?? 'inspector'}-${stamp}.json`,
  }).click()
  // Not before the download has begun.
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

findField.addEventListener('input', () => {
  lifecycles.toTop()
  updateAll()
})
pauseButton.addEventListener('click', pause)
byId('export', HTMLButtonElement).addEventListener('click', exportAll)
document.addEventListener('visibilitychange', updateAll)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', updateAll)
window.setInterval(update, updateEveryMs)
window.setInterval(() => {
  if (document.hidden || isOn(pauseButton)) return
  lifecycles.draw()
  pools.update()
  rosters.update()
}, moveEveryMs)
connection.open()
