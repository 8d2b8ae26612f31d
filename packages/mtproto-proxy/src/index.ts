/**
 * A Telegram proxy whose clients do not notice that a data centre connection died.
 *
 * @packageDocumentation
 */

export { Acceptance, maxWaitingBytes } from './accept/acceptance.js'
export type {
  AcceptEffect,
  AcceptEvent,
  AcceptedClient,
  AcceptOptions,
  AllowedProtocol,
  BadClient,
  RefusalReason,
} from './accept/types.js'
export type { ListenerFigures } from './client/front-door.js'
export { type ChangedOption, type ConfigDiff, configDiff } from './config/diff.js'
export type { ReloadEffect } from './config/meta.js'
export { configSchema, type ProxyOptions } from './config/schema.js'
export type {
  ClientSettings,
  FrontingTarget,
  ListenerSettings,
  ProxySettings,
  SecretSettings,
  SplitSettings,
  TelegramSettings,
} from './config/settings.js'
export { proxySettings, toSettings } from './config/to-settings.js'
export type { Admitted, Gatekeeper, Newcomer, Verdict } from './gatekeeper.js'
export { type DataCenterFigures, type ProxyFigures, registerFigures } from './metrics/figures.js'
export { noMetrics } from './metrics/no-metrics.js'
export { prometheusMetrics } from './metrics/prometheus-metrics.js'
export type {
  BackpressureState,
  BothDirections,
  DataCenterMetrics,
  ListenerMetrics,
  MigrationResult,
  ProtocolLabel,
  ProxyMetrics,
} from './metrics/types.js'
export {
  type ProxyNode,
  type ProxyNodeOptions,
  type ProxyNodeState,
  type ProxyPart,
  proxyNode,
} from './node/proxy-node.js'
export {
  type GatekeeperOptions,
  type GatekeeperRules,
  gatekeeper,
  type LocalGatekeeper,
  type SeenKeys,
} from './policy/gatekeeper.js'
export type { IpPrefix } from './policy/ip-prefix.js'
export type { PolicyRules, SecretFigures, SecretLimits } from './policy/policy.js'
export type { PolicyKey, PolicyRule, PolicyValue } from './policy/rules.js'
export { parseTable, Tables } from './policy/tables.js'
export { parseUsage, type Usage } from './policy/usage.js'
export {
  type MtprotoProxy,
  type MtprotoProxyOptions,
  mtprotoProxy,
  type ProxyState,
  type RunningDataCenters,
} from './proxy.js'
export { type ReplayStatus, ReplayStore, type ReplayStoreOptions } from './replay/replay-store.js'
export { type BackSideOptions, backSide, FrontLink } from './split/back-side.js'
export { SplitError } from './split/decoder.js'
export { type FrontSide, type FrontSideOptions, frontSide } from './split/front-side.js'
export {
  backCertificateName,
  type SplitCertificates,
  type SplitTransport,
  splitEndpoint,
} from './split/split-endpoint.js'
export { type CachedCopy, cachedCopy } from './telegram/cached-copy.js'
export {
  type CreditAccount,
  type CreditLimits,
  type CreditOverflow,
  Credits,
} from './telegram/credits.js'
export type { DataCenterSettings, TelegramAccess } from './telegram/data-center-settings.js'
export { type DataCentersOptions, dataCenters, type LocalDataCenters } from './telegram/data-centers.js'
export { type TelegramSource, type TelegramSourceOptions, telegramSource } from './telegram/source.js'
export type { DataCenters, Tunnel, TunnelClient, TunnelEnd, TunnelRequest } from './tunnel.js'
export { type CbcStream, cbcDecryptor, cbcEncryptor, type DirectionKey } from './wire/cbc-stream.js'
export type { Checksum } from './wire/checksum.js'
export { ClientBytesError, type ClientBytesReason } from './wire/client-bytes-error.js'
export { ClientCodec } from './wire/client-codec.js'
export {
  type ClientHello,
  clientHelloDigest,
  isTimely,
  parseClientHello,
  type TlsTimeSkew,
  verifyClientHello,
} from './wire/client-hello.js'
export { type ClientHelloOptions, encodeClientHello } from './wire/client-hello-encoder.js'
export { type ClientOpeningOptions, type ClientOpeningStep, openClient } from './wire/client-opening.js'
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
export { formatLink, LinkError, type ProxyLink, parseLink } from './wire/link.js'
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
export { ObfuscatedStream } from './wire/obfuscated-stream.js'
export {
  createHeader,
  headerReplayKey,
  isForbiddenHeader,
  type Keystream,
  type NamedKey,
  type ObfuscatedStreams,
  type OpenedHeader,
  obfuscatedHeaderBytes,
  openHeader,
} from './wire/obfuscated2.js'
export {
  type ClientPacket,
  maxPacketBytes,
  PacketDecoder,
  type Reply,
  ReplyDecoder,
} from './wire/packet-decoder.js'
export { encodePacket, encodeQuickAck, type PacketEncoding } from './wire/packet-encoder.js'
export type { PacketFormat } from './wire/packet-format.js'
export { isStrictPacket } from './wire/plain-packet.js'
export {
  formatProxyConfig,
  type MiddleProxyAddress,
  type ProxyConfig,
  parseProxyConfig,
} from './wire/proxy-config.js'
export { maxProxyHeaderBytes, type ProxyHeader, parseProxyHeader } from './wire/proxy-protocol.js'
export type { RandomBytes } from './wire/random-bytes.js'
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
export type { Scratch } from './wire/scratch.js'
export { deriveSniKey, formatSecret, parseSecret, type Secret, SecretError } from './wire/secret.js'
export { ServerCodec } from './wire/server-codec.js'
export { encodeServerHello, type ServerHelloOptions } from './wire/server-hello.js'
export { ServerHelloReader, type ServerHelloResult } from './wire/server-hello-reader.js'
export { decodeErrorAlert, encodeTlsRecords, TlsRecordDecoder } from './wire/tls-records.js'
