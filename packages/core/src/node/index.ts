/**
 * What runs on Node.js: dialers and acceptors, file stores, and the process kit for programs.
 *
 * @packageDocumentation
 */

export { ConfigError, type ConfigOptions, loadConfig, withoutSecrets } from './config.js'
export { exitCodes } from './exit-codes.js'
export { type FileStoreOptions, fileStore } from './file-store.js'
export { type HttpEndpoint, type HttpEndpointOptions, replyJson, serveHttp } from './http-endpoint.js'
export { inherited } from './inherited.js'
export { createLog, type LogOptions } from './logging.js'
export {
  answerMetrics,
  type CollectedMetrics,
  collectMetrics,
  type MetricsOptions,
  type MetricsServer,
  type MetricsServerOptions,
  serveMetrics,
} from './metrics.js'
export { type NodeEnvOptions, nodeEnv } from './node-env.js'
export {
  describeDrain,
  type RunningService,
  runService,
  type ServiceHost,
  type ServiceOptions,
} from './run-service.js'
export { addServiceOptions, type ServiceFlags } from './service-options.js'
export { sockets } from './sockets.js'
export { type TcpEndpoint, tcp } from './tcp.js'
export { type TlsEndpoint, tls } from './tls.js'
export type { Transport, TransportOptions } from './transport.js'
export { type UnixEndpoint, unix } from './unix.js'
export { type WebSocketEndpoint, webSocket } from './web-socket.js'
