/**
 * An embedded Telegram, and clients to try a proxy with.
 *
 * @packageDocumentation
 */

export { type DecoyConnection, DecoySite, type DecoySiteOptions, decoySite } from './decoy-site.js'
export type { FakeClient } from './fake-client.js'
export {
  type ClosedBy,
  confirmationOf,
  FakeConnection,
  type FakeConnectionHost,
} from './fake-connection.js'
export { FakeDatacenter, type FakeDatacenterHost } from './fake-datacenter.js'
export {
  FakeTelegram,
  type FakeTelegramKey,
  type FakeTelegramOptions,
  type FakeTelegramStats,
  fakeTelegram,
  type Rotation,
} from './fake-telegram.js'
export { type FakeAnswers, type FakeTelegramRules, usualRules } from './fake-telegram-rules.js'
export {
  type MiddleProxyEffect,
  MiddleProxyHandshake,
  type MiddleProxyHandshakeOptions,
} from './middle-proxy-handshake.js'
export { type SiteContent, TelegramSite } from './telegram-site.js'
export { TestClient, type TestClientOptions, testClient } from './test-client.js'
