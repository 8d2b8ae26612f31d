/**
 * Conferences of many peers in memory, with faults on demand.
 *
 * @packageDocumentation
 */

export {}
