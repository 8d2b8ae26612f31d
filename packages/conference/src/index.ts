/**
 * Persistent Tox conferences: members freeze, thaw and rejoin.
 *
 * @packageDocumentation
 */

export type {
  ConferenceNews,
  ConferencesCommand,
  ConferencesEffect,
  ConferencesInput,
  FrozenBecause,
  RefusedWhy,
} from './group/events.js'
export { conferencesStep, emptyConferences, type Self } from './group/machine.js'
export { savedConferences } from './group/save.js'
export {
  type ConferencesContext,
  type ConferencesMachine,
  type ConferencesRules,
  defaultRules,
} from './group/types.js'
export { decodePacket } from './wire/decode-packet.js'
