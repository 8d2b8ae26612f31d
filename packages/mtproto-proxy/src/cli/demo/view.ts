import { styleText } from 'node:util'
import type { Row } from './scenes.js'
import type { World } from './world.js'

/** The live status. */
export function statusLines({ crowd, links, closings }: World): string[] {
  const { open, sent, answered } = crowd.tally()
  const ready = styleText(links.ready > 0 ? 'green' : 'yellow', `${links.ready} ready`)
  const waiting = links.parked === 0 ? '' : styleText('yellow', `, ${links.parked} clients wait`)
  return [
    `  ${'clients'.padEnd(12)} ${open} connected, ${sent} packets sent, ${answered} answered`,
    `  ${'Telegram'.padEnd(12)} ${ready}${waiting}, ${closings} connections closed so far`,
  ]
}

/** The table of what came of each scene. */
export function describeRows(rows: readonly Row[]): string {
  const columns = [
    ['connections', (row: Row) => row.closings],
    ['closed', (row: Row) => row.idleClosed + row.busyClosed],
    ['migrated', (row: Row) => row.moved],
    ['mid_send', (row: Row) => row.midSend],
    ['lost', (row: Row) => row.lost],
  ] as const
  const width = Math.max(...rows.map(({ title }) => title.length))
  const head = columns.map(([name]) => name.padStart(11)).join('')
  const lines = rows.map(
    (row) =>
      `${row.title.padEnd(width)}${columns.map(([, value]) => String(value(row)).padStart(11)).join('')}`,
  )
  const note =
    'connections: to Telegram, that were closed; lost: the packet had been taken, and the connection ended instead of an answer'
  return ['', `${' '.repeat(width)}${head}`, ...lines, note].join('\n  ')
}
