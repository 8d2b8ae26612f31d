import { connect } from 'node:net'
import { LOOPBACK } from '../loopback.js'

/** Asks a replication server, as plainly as can be, where each stream stands; either dialect. */
export function replicationPositions(port: number, deadlineMs = 5000): Promise<ReadonlyMap<string, number>> {
  return new Promise((resolve, reject) => {
    const positions = new Map<string, number>()
    let text = ''
    // The positions come in one burst; after it there is only silence.
    let quiet: NodeJS.Timeout | undefined
    const socket = connect({ host: LOOPBACK, port }, () =>
      socket.write('NAME positions\nREPLICATE ALL NOW\n'),
    )
    const finish = () => {
      clearTimeout(quiet)
      clearTimeout(deadline)
      socket.destroy()
      resolve(positions)
    }
    const deadline = setTimeout(finish, deadlineMs)
    socket.setEncoding('utf8')
    socket.on('error', reject)
    socket.on('close', finish)
    socket.on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) {
        const [command, stream = '', ...rest] = line.split(' ')
        if (command === 'POSITION') positions.set(stream, Number(rest.at(-1)))
      }
      clearTimeout(quiet)
      if (positions.size > 0) quiet = setTimeout(finish, 300)
    })
  })
}
