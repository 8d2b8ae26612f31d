import { Socket } from 'node:net'
import type { Clock, Endpoint, Millis } from '@holdfast/core'
import { nodeEnv } from '@holdfast/core/node'
import { exitCodes } from '@holdfast/core/program'
import { Command } from 'commander'
import { diagnose, type Finding } from './diagnosis.js'
import { endpointOf, secondsOf } from './endpoints.js'
import { programName } from './program-name.js'

/** `probe`: what answers on a port. */
export function probeCommand(): Command {
  return new Command()
    .argument('<address>', 'HOST:PORT', endpointOf)
    .option('--within <seconds>', 'how long to wait for an answer', secondsOf, 3)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} probe 127.0.0.1:9092\n  $ ${programName} probe 127.0.0.1:8008 --json`,
    )
    .action(async ({ uri }: Endpoint, { within, json }: { within: number; json?: boolean }) => {
      const { hostname, port } = new URL(uri.replace(/^\w+:/, 'http:'))
      const at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), within: within * 1000 }
      const finding = await probe(nodeEnv({ name: programName }).clock, at)
      process.stdout.write(json === true ? `${JSON.stringify(finding)}\n` : `${finding.text}\n`)
      process.exitCode = finding.kind === 'replication' ? exitCodes.ok : exitCodes.failure
    })
}

/** Listens first, because a replication server speaks first; then asks as a browser would. */
async function probe(clock: Clock, at: Target): Promise<Finding> {
  const first = await exchange(clock, at, 'NAME probe\nREPLICATE ALL NOW\n', (heard) =>
    /POSITION .*\n/.test(heard),
  )
  if (first.failure !== null || first.heard.startsWith('SERVER ')) return diagnose(first.heard, first.failure)
  if (first.heard !== '') return diagnose(first.heard, null)
  const second = await exchange(clock, at, 'GET / HTTP/1.0\r\n\r\n', (heard) => heard.includes('\n'))
  return diagnose(second.heard, second.failure)
}

interface Target {
  readonly host: string
  readonly port: number
  /** How long to wait for an answer. */
  readonly within: Millis
}

interface Exchange {
  readonly heard: string
  readonly failure: string | null
}

function exchange(
  clock: Clock,
  { host, port, within }: Target,
  say: string,
  isEnough: (heard: string) => boolean,
): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket = new Socket()
    let heard = ''
    const settle = (failure: string | null): void => {
      timer.cancel()
      socket.destroy()
      resolve({ heard, failure })
    }
    const timer = clock.after(within, () => settle(null))
    socket.on('data', (chunk: Buffer) => {
      heard = (heard + chunk.toString('latin1')).slice(0, 65_536)
      if (isEnough(heard)) settle(null)
    })
    socket.on('error', (error: NodeJS.ErrnoException) =>
      settle(heard === '' ? (error.code ?? error.message) : null),
    )
    socket.on('close', () => settle(null))
    socket.connect(port, host, () => socket.write(say))
  })
}
