/**
 * Peers that do exactly what a test says, for tests against this protocol.
 *
 * @packageDocumentation
 */

export { RawClient } from './raw-client.js'
export { ScriptedConnection, type ScriptedServer, scriptedServer } from './scripted-server.js'
