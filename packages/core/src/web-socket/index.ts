/**
 * WebSockets on Node.js, by `ws`.
 *
 * @packageDocumentation
 */

export { type WebSocketEndpoint, webSocket } from './web-socket.js'
