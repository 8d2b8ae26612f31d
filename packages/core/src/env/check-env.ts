import { hasMethod } from '../budget.js'
import type { Env } from './types.js'

/** @throws an `OptionError` unless `env` has a clock, chance, a log and an admission gate */
export function checkEnv(env: Env): void {
  const given = env as Env | undefined
  hasMethod('env.clock.now', given?.clock)
  hasMethod('env.random', given)
  hasMethod('env.log.info', given?.log)
  hasMethod('env.admission.enter', given?.admission)
}
