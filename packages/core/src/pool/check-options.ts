import { callable, hasMethod, positive, whole } from '../budget.js'
import { checkEnv } from '../env/check-env.js'
import { OptionError } from '../errors.js'
import { checkLifecycleOptions } from '../lifecycle/check-options.js'
import type { LinkProtocol } from '../link/types.js'
import type { PoolOptions, PoolSize } from './types.js'

/** @throws an `OptionError` that names the first option of a pool that cannot be used */
export function checkOptions<S, P extends LinkProtocol>(options: PoolOptions<S, P>): void {
  const { env, slot, mover, size, park, label } = options as Partial<PoolOptions<S, P>> & {
    readonly env: never
  }
  checkEnv(env)
  if (slot === undefined) throw new OptionError('slot', 'the options of a lifecycle', slot)
  checkLifecycleOptions(slot)
  for (const hook of ['movable', 'attach', 'detach', 'released']) hasMethod(`mover.${hook}`, mover)
  if (label !== undefined) callable('label', label)
  if (typeof size !== 'object') throw new OptionError('size', 'how many links', size)
  checkSize(size)
  if (park === undefined) return
  positive('park.within', park.within)
  whole('park.max', park.max, 0)
}

function checkSize(size: PoolSize): void {
  const { min, max, growAbove, burst, shrinkBelow } = size
  whole('size.min', min, 0)
  whole('size.max', max, Math.max(min, 1))
  if (growAbove !== undefined) whole('size.growAbove', growAbove, 0)
  if (burst !== undefined) whole('size.burst', burst, 1)
  if (shrinkBelow === undefined) return
  positive('size.shrinkBelow', shrinkBelow)
  if (!(shrinkBelow < (growAbove ?? Infinity)))
    throw new OptionError('size.shrinkBelow', `less than size.growAbove (${growAbove})`, shrinkBelow)
}
