/**
 * Embedded peers of the protocol, for tests.
 *
 * @packageDocumentation
 */

export { type EmbeddedRelay, type EmbeddedRelayOptions, embeddedRelay } from './embedded-relay.js'
export type { RelayFaults } from './relay-faults.js'
export type { ScriptedClient } from './scripted-client.js'
export { type ScriptedRelay, type ScriptedRelayOptions, scriptedRelay } from './scripted-relay.js'
export { type EventParts, TestAuthor } from './test-author.js'
export type { TranscriptLine } from './transcript.js'
export { trustingVerifier } from './trusting-verifier.js'
