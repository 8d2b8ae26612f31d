/** A client that has shown a valid secret and asks to come in. */
export interface Newcomer {
  /** Name of the listener. */
  readonly listener: string
  /** Name of the secret that it knows. */
  readonly secret: string
  /** Its address in text form, IPv4 never as `::ffff:…`. */
  readonly ip: string
  /** The domain of a fake-TLS client, in lower case, or null. */
  readonly sni: string | null
  /**
   * What must not be seen twice: 48 bytes of the header, or the 32 bytes of the TLS random (spec 8). `null`: that was
   * looked up when it came in, and it asks to be counted anew, by a back that has restarted.
   */
  readonly replayKey: Uint8Array | null
}

/** Somebody who was let in, until `leave`. */
export interface Admitted {
  /** Counts bytes for quotas. `false`: the quota is used up, close the client. */
  transferred(bytes: number): boolean
  /** Gives back exactly what was reserved. Idempotent. */
  leave(): void
}

/** The decision about a newcomer. */
export type Verdict = Admitted | { readonly refused: 'replay_session_detected' | 'policy_error' }

/**
 * Who may come in. In split mode the back decides for all its fronts, so that counters, quotas and replays exist once.
 */
export interface Gatekeeper {
  /** Decides, at once or later; meanwhile the newcomer's bytes wait, bounded. Returns a way to withdraw the question. */
  admit(newcomer: Newcomer, decided: (verdict: Verdict) => void): () => void
  /** Whether the policy lets a bad client through to fronting: rules without connection limits (spec 3.6, 7). */
  mayFront(newcomer: Omit<Newcomer, 'secret' | 'replayKey'>): boolean
}
