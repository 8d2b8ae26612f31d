/**
 * What tests need: a virtual clock, links that misbehave on demand, and an explorer of machines.
 *
 * @packageDocumentation
 */

export { ChaosProxy, type ChaosProxyOptions, type ChaosRules } from './chaos-proxy.js'
export type { ComplianceSubject } from './compliance-bench.js'
export {
  type CounterExample,
  describeCounterExample,
  type Exploration,
  type ExplorationResult,
  explore,
} from './explorer.js'
export { FakeScope, type FakeScopeOptions, fakeScope } from './fake-scope.js'
export { type DialPlan, FaultyLink, type FaultyLinkOptions } from './faulty-link.js'
export { type FlapOptions, simulateFlap } from './flap.js'
export { freePort } from './free-port.js'
export { type HerdOptions, type HerdReport, simulateHerd } from './herd.js'
export type { Reconnect, ReconnectOptions } from './herd-client.js'
export { type MemoryNetworkOptions, memoryNetwork } from './memory.js'
export { type MovableClock, movableClock } from './movable-clock.js'
export { type RecordedLink, RecordingSink, type Told } from './recording-sink.js'
export { ScriptedDialer } from './scripted-dialer.js'
export { seededRandom } from './seeded-random.js'
export { type TestEnv, type TestEnvOptions, testEnv } from './test-env.js'
export { type ComplianceCheck, transportCompliance } from './transport-compliance.js'
export { VirtualClock } from './virtual-clock.js'
