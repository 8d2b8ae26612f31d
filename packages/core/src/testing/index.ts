export {
  type CounterExample,
  describeCounterExample,
  type Exploration,
  type ExplorationResult,
  explore,
} from './explorer.js'
