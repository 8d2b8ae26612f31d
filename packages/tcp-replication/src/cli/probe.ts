import { Socket } from 'node:net'
import type { Endpoint } from '@holdfast/core'
import { exitCodes } from '@holdfast/core/node'
import { Command } from 'commander'
import { diagnose, type Finding } from './diagnosis.js'
import { endpointOf } from './endpoints.js'
import { programName } from './program-name.js'

/** `probe`: what answers on a port. */
export function probeCommand(): Command {
  return new Command('probe')
    .description('say what answers on a port: replication and in which dialect, or what else')
    .argument('<address>', 'HOST:PORT', endpointOf)
    .option('--within <seconds>', 'how long to wait for an answer', Number, 3)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${programName} probe 127.0.0.1:9092\n  $ ${programName} probe 127.0.0.1:8008 --json`,
    )
    .action(async ({ uri }: Endpoint, { within, json }: { within: number; json?: boolean }) => {
      const { hostname, port } = new URL(uri.replace(/^\w+:/, 'http:'))
      const finding = await probe(hostname.replace(/^\[|\]$/g, ''), Number(port || 80), within * 1000)
      process.stdout.write(json === true ? `${JSON.stringify(finding)}\n` : `${finding.text}\n`)
      process.exitCode = finding.kind === 'replication' ? exitCodes.ok : exitCodes.failure
    })
}

/** Listens first, because a replication server speaks first; then asks as a browser would. */
async function probe(host: string, port: number, within: number): Promise<Finding> {
  const first = await exchange(host, port, within, 'NAME probe\nREPLICATE ALL NOW\n', (heard) =>
    /POSITION .*\n/.test(heard),
  )
  if (first.failure !== null || first.heard.startsWith('SERVER ')) return diagnose(first.heard, first.failure)
  if (first.heard !== '') return diagnose(first.heard, null)
  const second = await exchange(host, port, within, 'GET / HTTP/1.0\r\n\r\n', (heard) => heard.includes('\n'))
  return diagnose(second.heard, second.failure)
}

interface Exchange {
  readonly heard: string
  readonly failure: string | null
}

function exchange(
  host: string,
  port: number,
  within: number,
  say: string,
  isEnough: (heard: string) => boolean,
): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket = new Socket()
    let heard = ''
    const settle = (failure: string | null): void => {
      socket.destroy()
      resolve({ heard, failure })
    }
    socket.setTimeout(within, () => settle(null))
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
