/** What lies between a transport and the protocol for each piece that arrives. */
import { lifecycle } from '@holdfast/core'
import { testEnv } from '@holdfast/core/testing'
import PartySocket from 'partysocket/ws'
import { defer, retry, timer } from 'rxjs'
import { webSocket } from 'rxjs/webSocket'
import type { Benchmark } from '../../../bench/benchmark.js'
import { FakeSocket, fakeWebSocket } from './fake-socket.js'
import { ReconnectingWebSocket } from './reconnecting-websocket.js'
import { StubDialer } from './stub-link.js'
import { nsPerCall } from './time-calls.js'

const chunk = new Uint8Array(1024)
let bytes = 0

/** The receiver, and what it takes when called directly. */
const protocol = {
  data(data: Uint8Array): void {
    bytes += data.length
  },
}

function beyondBare(times: number, call: () => void): Record<string, number> {
  const bare = nsPerCall(200_000, () => protocol.data(chunk))
  const overhead = nsPerCall(times, call) - bare
  if (bytes === 0) throw new Error('nothing arrived')
  return { overhead }
}

function ofLifecycle(): Record<string, number> {
  const dialer = new StubDialer()
  const made = lifecycle({
    env: testEnv(),
    dialer,
    endpoints: [{ uri: 'memory:bench' }],
    protocol: (scope) => {
      scope.ready()
      return protocol
    },
  })
  made.start()
  const sink = dialer.last?.sink
  if (sink === undefined || made.state.phase !== 'ready') throw new Error('not ready')
  return beyondBare(200_000, () => sink.data(chunk))
}

async function ofSocket(open: () => unknown): Promise<Record<string, number>> {
  open()
  // Both libraries wait for a timer before they connect.
  await new Promise((resolve) => setTimeout(resolve, 50))
  const socket = FakeSocket.last
  const event = { type: 'message', data: chunk }
  bytes = 0
  return beyondBare(10_000, () => socket.onmessage?.(event))
}

const receive = (event: MessageEvent): void => protocol.data(event.data as Uint8Array)
const url = 'ws://127.0.0.1'
const settings = { WebSocket: fakeWebSocket }

function openPipeline(): unknown {
  const socket = {
    url,
    WebSocketCtor: fakeWebSocket,
    deserializer: (event: MessageEvent) => event.data as Uint8Array,
  }
  return defer(() => webSocket<Uint8Array>(socket))
    .pipe(retry({ delay: () => timer(1000), resetOnSuccess: true }))
    .subscribe((data) => protocol.data(data))
}

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'an inbound chunk, beyond the call of its receiver',
    figures: { overhead: { unit: 'ns', better: 'less', limit: 15 } },
    subjects: [
      { name: 'holdfast', measure: ofLifecycle },
      {
        name: 'partysocket 1.3.0',
        measure: () =>
          ofSocket(() => new PartySocket(url, [], settings).addEventListener('message', receive)),
      },
      {
        name: 'reconnecting-websocket 4.4.0',
        measure: () =>
          ofSocket(() => new ReconnectingWebSocket(url, [], settings).addEventListener('message', receive)),
      },
      { name: 'rxjs 7.8.2, webSocket and retry', measure: () => ofSocket(openPipeline) },
    ],
  },
]
