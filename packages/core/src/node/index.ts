/**
 * What runs on Node.js and needs nothing else: dialers and acceptors, file stores, the environment.
 *
 * @packageDocumentation
 */

export { AtomicFile } from './atomic-file.js'
export { type FileStoreOptions, fileStore } from './file-store.js'
export { inherited } from './inherited.js'
export { type NodeEnvOptions, nodeEnv } from './node-env.js'
export { resetStream } from './reset-stream.js'
export { type SocketsOptions, sockets } from './sockets.js'
export { type TcpEndpoint, tcp } from './tcp.js'
export { type TlsEndpoint, tls } from './tls.js'
export type { Transport, TransportOptions } from './transport.js'
export { type UnixEndpoint, unix } from './unix.js'
