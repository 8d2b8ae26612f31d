export type { Budget } from './budget.js'
export {
  type End,
  type EndKind,
  end,
  type LinkId,
  type Millis,
  type Off,
  type Reached,
  type RetryAdvice,
} from './end.js'
export { type AdmissionOptions, admission } from './env/admission.js'
export { SweepWheel } from './env/sweep-wheel.js'
export { systemClock } from './env/system-clock.js'
export { type SystemEnvOptions, silentLog, systemEnv } from './env/system-env.js'
export type {
  Admission,
  Clock,
  Disturbance,
  Env,
  Log,
  Mark,
  Timer,
  TraceChannel,
  WallStamp,
} from './env/types.js'
export { HoldfastError, type HoldfastErrorOptions, OptionError } from './errors.js'
export type { DrainReport, Gate, Ticket } from './gate/types.js'
export type {
  Accepting,
  Acceptor,
  AcceptSink,
  Dialer,
  Endpoint,
  Keepalive,
  Link,
  LinkProtocol,
  LinkScope,
  LinkSink,
  WriteResult,
} from './link/types.js'
