/**
 * A Telegram proxy whose clients do not notice that a data centre connection died.
 *
 * @packageDocumentation
 */

export { type CbcStream, cbcDecryptor, cbcEncryptor, type DirectionKey } from './wire/cbc-stream.js'
export type { Checksum } from './wire/checksum.js'
export { FrameChannel } from './wire/frame-channel.js'
export {
  FrameReader,
  type FrameReaderSettings,
  type FrameSettings,
  FrameWriter,
  type FrameWriterSettings,
  maxFrameBytes,
} from './wire/full-frame.js'
export { ipToText, isIpv4, parseIp, type SocketAddress } from './wire/ip-address.js'
export {
  type HandshakeEffect,
  MiddleHandshake,
  type MiddleHandshakeOptions,
  maxClockDifference,
} from './wire/middle-handshake.js'
export { type KeyMaterial, type MiddleKeys, middleKeys } from './wire/middle-keys.js'
export {
  FrameError,
  type FrameProblem,
  type HandshakeProblem,
  MiddleHandshakeError,
  RpcError,
  UnsendablePacketError,
} from './wire/middle-proxy-error.js'
export type { PacketFormat } from './wire/packet-format.js'
export {
  formatProxyConfig,
  type MiddleProxyAddress,
  type ProxyConfig,
  parseProxyConfig,
} from './wire/proxy-config.js'
export {
  type ClientRoute,
  type ConnId,
  decodeMiddleMessage,
  decodeProxyMessage,
  encodeAnswerHead,
  encodeCloseConn,
  encodeCloseExt,
  encodePing,
  encodePong,
  encodeSimpleAck,
  type MiddleMessage,
  type ProxyMessage,
  type ProxyRequest,
  ProxyRequestHead,
  requestFlags,
} from './wire/rpc.js'
