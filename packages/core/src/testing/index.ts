export {
  type CounterExample,
  describeCounterExample,
  type Exploration,
  type ExplorationResult,
  explore,
} from './explorer.js'
export { type DialPlan, FaultyLink, type FaultyLinkOptions } from './faulty-link.js'
export { ScriptedDialer } from './scripted-dialer.js'
export { seededRandom } from './seeded-random.js'
export { type TestEnv, type TestEnvOptions, testEnv } from './test-env.js'
export { VirtualClock } from './virtual-clock.js'
