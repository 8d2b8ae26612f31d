import { type Admission, admission, type Env, silentLog } from '../index.js'
import { seededRandom } from './seeded-random.js'
import { VirtualClock } from './virtual-clock.js'

/** An environment whose time and chance are the test's. */
export interface TestEnv extends Env {
  readonly clock: VirtualClock
}

/** Options of {@link testEnv}. */
export interface TestEnvOptions extends Partial<Omit<Env, 'clock'>> {
  readonly clock?: VirtualClock
  /**
   * Seed of the environment's chance.
   *
   * @defaultValue 1
   */
  readonly seed?: number
  readonly admission?: Admission
}

/** Makes an environment on a {@link VirtualClock}, with seeded chance and a silent log. */
export function testEnv(options: TestEnvOptions = {}): TestEnv {
  const { clock = new VirtualClock(), seed = 1, ...given } = options
  return {
    clock,
    random: seededRandom(seed),
    log: silentLog,
    admission: admission({ clock }),
    name: 'test',
    ...given,
  }
}
