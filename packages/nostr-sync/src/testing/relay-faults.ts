/** How a scripted relay misbehaves. May be changed while it runs; what is not said is done as it should be. */
export interface RelayFaults {
  /** Sends no EOSE, ever (R55). */
  noEose?: boolean
  /** Sends all it has, whatever was asked for (R64). */
  ignoresFilters?: boolean
  /** Takes `limit: 0` as no limit (R37). */
  sendsHistoryForLimitZero?: boolean
  /** Alters the signatures of all events that it sends. */
  wrongSignatures?: boolean
  /** Stored events for one filter at most, whatever its limit; 500 unless told otherwise. */
  maxLimit?: number
  /** Answers REQs beyond so many open ones as strfry does: with what is stored, a NOTICE, and nothing live (R85). */
  maxSubscriptions?: number
  /** Refuses REQs after so many on one link, by CLOSED or by NOTICE (R83). */
  rateLimit?: { readonly after: number; readonly by: 'closed' | 'notice' }
  /** Refuses every REQ by CLOSED with this text (R55). */
  refusal?: string
  /** Puts so many bytes into a frame instead of the next event. */
  oversizedFrame?: number
  /** Resets the link once it has sent so many messages. */
  dropAfterSent?: number
  /** Resets the link when it receives that many messages, without an answer to the last. */
  dropAfterReceived?: number
  /**
   * How NEG-OPEN is refused (R99, R100): by NOTICE as strfry with negentropy switched off, by CLOSED, as too large, not answered
   * at all, or answered on and on without ever agreeing.
   */
  negentropy?: 'notice' | 'closed' | 'too-large' | 'silent' | 'endless'
  /** Serves nobody who has not sent an AUTH, whichever (R92). */
  authRequired?: boolean
  /** Does not answer EVENT. */
  noOk?: boolean
}
