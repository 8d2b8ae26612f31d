/**
 * Embedded peers of the protocol, for tests.
 *
 * @packageDocumentation
 */

export {}
