/**
 * What a program needs around its connections: configuration, log, metrics, and an orderly end. Needs
 * `commander`, `pino`, `prom-client`, `smol-toml` and `zod`.
 *
 * @packageDocumentation
 */

export {
  checkHttpAddress,
  type HttpEndpoint,
  type HttpEndpointOptions,
  replyJson,
  serveHttp,
} from '../node/http-endpoint.js'
export { ConfigError, type ConfigOptions, loadConfig, withoutSecrets } from './config.js'
export {
  type DemoAct,
  type DemoOptions,
  type DemoOutcome,
  type DemoStage,
  demoActs,
  demonstration,
} from './demonstration.js'
export { createLog, type LogOptions } from './logging.js'
export { type Count, type MetricDescription, MetricSet, type Readings } from './metric-set.js'
export {
  answerMetrics,
  type CollectedMetrics,
  collectMetrics,
  type MetricsOptions,
  type MetricsServer,
  type MetricsServerOptions,
  type MetricsSource,
  serveMetrics,
} from './metrics.js'
export { OpenedThings } from './opened-things.js'
export type { Distribution } from './read-histogram.js'
export { type ConfiguredService, runConfigured } from './run-configured.js'
export {
  describeDrain,
  type RunningService,
  runService,
  type ServiceHost,
  type ServiceOptions,
} from './run-service.js'
export { Scorecard, type ScorecardOptions } from './scorecard.js'
export {
  type LiveText,
  Show,
  type ShowOptions,
  showPause,
  showUntil,
  showWithin,
} from './show.js'
export type { Verdict } from './verdict.js'
export { programRegistry, serveWatched, type WatchedOptions, watchedRegistry } from './watched-metrics.js'
