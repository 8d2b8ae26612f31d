/**
 * Conferences of many peers in memory, with faults on demand.
 *
 * @packageDocumentation
 */

export { fasterClock } from './faster-clock.js'
export type { FaultKind } from './faults.js'
export { FaultyUdp } from './faulty-udp.js'
export type { Friendships } from './friendships.js'
export { MemoryMember, type MemoryMemberOptions } from './memory-member.js'
export { MessageOracle } from './message-oracle.js'
export { type LinkUser, type NetworkWeather, SimulatedLinks } from './simulated-links.js'
export { SimulatedPeer, type SimulatedPeerOptions } from './simulated-peer.js'
export { Simulation, type SimulationOptions, type SimulationReport } from './simulation.js'
export { type ToxRelay, toxRelay } from './tox-relay.js'
