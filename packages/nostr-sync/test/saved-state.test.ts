import { describe, expect, it } from 'vitest'
import { describeStatus } from '../src/cli/status-report.js'
import { readSavedState } from '../src/manager/saved-state.js'
import { mirrorBench, url } from './support/mirror-bench.js'

describe('what a mirror keeps', () => {
  it('R88: names the fields that are not as they were saved, in one line, the first three of them', () => {
    expect(() => readSavedState({ version: 1, at: 1, relays: [{ url: 7 }], rejected: 'none' })).toThrow(
      /^relays\[0\]\.url: Invalid input: expected string, received number; relays\[0\]\.record: [^\n]*; and 4 more$/,
    )
    expect(() => readSavedState([])).toThrow(/^all of it: Invalid input: expected object, received array/)
  })
})

describe('status', () => {
  it('R55: shows why a relay does not give what it is asked for', async () => {
    await using bench = await mirrorBench({ bootstrapRelays: [url], negentropy: 'off' })
    await bench.relay({ faults: { refusal: 'restricted: members only' } })
    bench.mirror.start()
    await bench.sync()
    const nothing = { events: 0, clients: 0, subscriptions: 0, pending: 0, held: 0, verifying: 0 }
    const report = { ...nothing, url: 'ws://here', received: {}, sinks: [], mirror: bench.mirror.state }
    expect(describeStatus(report)).toContain(
      `${url}: connected-with-failures, refuses: restricted: members only, `,
    )
  })
})
