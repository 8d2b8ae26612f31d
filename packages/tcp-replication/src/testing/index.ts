export { RawClient } from './raw-client.js'
export { ScriptedConnection, type ScriptedServer, scriptedServer } from './scripted-server.js'
