import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { cert, key } from '../../../test-support/certificate.js'
import { systemClock } from '../src/index.js'
import { sockets, tcp, tls, unix } from '../src/node/index.js'
import { type ComplianceSubject, memoryNetwork, transportCompliance } from '../src/testing/index.js'
import { webSocket } from '../src/web-socket/index.js'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
afterAll(() => rmSync(folder, { recursive: true }))
let made = 0

const subjects: Record<string, ComplianceSubject> = {
  tcp: { transport: tcp(), at: () => ({ uri: 'tcp://127.0.0.1:0' }), nowhere: { uri: 'tcp://127.0.0.1:1' } },
  'tcp over IPv6, through sockets': {
    transport: sockets(),
    at: () => ({ uri: 'tcp://[::1]:0' }),
    nowhere: { uri: 'tcp://[::1]:1' },
  },
  tls: {
    transport: tls(),
    at: () => ({ uri: 'tls://127.0.0.1:0', cert, key }),
    dialing: { ca: cert },
    nowhere: { uri: 'tls://127.0.0.1:1' },
  },
  unix: {
    transport: unix(),
    at: () => ({ uri: `unix:${join(folder, `${made++}.sock`)}` }),
    nowhere: { uri: `unix:${join(folder, 'nobody.sock')}` },
  },
  'ws, through sockets': {
    transport: sockets({ more: { ws: webSocket() } }),
    at: () => ({ uri: 'ws://127.0.0.1:0/live' }),
    nowhere: { uri: 'ws://127.0.0.1:1' },
  },
  'ws with compression': {
    transport: webSocket(),
    at: () => ({ uri: 'ws://127.0.0.1:0/live', perMessageDeflate: true }),
    nowhere: { uri: 'ws://127.0.0.1:1' },
  },
  wss: {
    transport: webSocket(),
    at: () => ({ uri: 'wss://127.0.0.1:0/', cert, key }),
    dialing: { ca: cert },
    nowhere: { uri: 'wss://127.0.0.1:1' },
  },
  memory: {
    transport: memoryNetwork(systemClock()),
    at: () => ({ uri: `memory:${made++}` }),
    nowhere: { uri: 'memory:nobody' },
  },
  'memory with messages and latency': {
    transport: memoryNetwork(systemClock(), { framing: 'messages', latency: 2 }),
    at: () => ({ uri: `memory:${made++}` }),
    nowhere: { uri: 'memory:nobody' },
  },
}

describe.each(Object.entries(subjects))('links over %s', (_name, subject) => {
  it.each(transportCompliance(subject))('$title', (check) => check.run())
})
