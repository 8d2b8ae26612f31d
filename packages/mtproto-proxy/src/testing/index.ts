/**
 * An embedded Telegram, and clients to try a proxy with.
 *
 * @packageDocumentation
 */

export {}
