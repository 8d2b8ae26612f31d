/** A wire that can be cut, in a process of its own: the port it leads to. Says its own, and does what it is told. */
import { ChaosProxy } from '@holdfast/core/testing'
import type { WireOrder } from './wire-process.js'

const wire = await ChaosProxy.start({ to: Number(process.argv[2]) })

function obey(order: WireOrder): void {
  if (order === 'reset') wire.reset()
  else if (order === 'partition') {
    wire.rules.newcomers = 'black-hole'
    wire.freeze()
  } else {
    wire.reset()
    wire.rules.newcomers = 'forward'
  }
  process.send?.('done')
}

process.on('disconnect', () => process.exit())
process.on('message', (order) => obey(order as WireOrder))
process.send?.(wire.port)
