import { Buffer } from 'node:buffer'
import { z } from 'zod'

/** What a relay says about itself (NIP-11), as far as it is believable. Everything may be missing. */
export interface RelayInfo {
  readonly name?: string | undefined
  readonly software?: string | undefined
  readonly version?: string | undefined
  /** A hint only: some relays list what they refuse (R94, R99). */
  readonly supportedNips: readonly number[]
  /** Such as `GRASP-02`. */
  readonly supportedGrasps: readonly string[]
  readonly limitation: RelayLimitation
}

/** Limits that a relay publishes. */
export interface RelayLimitation {
  /** Bytes of a frame. */
  readonly maxMessageLength?: number | undefined
  readonly maxSubscriptions?: number | undefined
  /** The largest `limit` of a filter. */
  readonly maxLimit?: number | undefined
  /** The `limit` of a filter without one. */
  readonly defaultLimit?: number | undefined
  /** Characters of a subscription id. */
  readonly maxSubscriptionId?: number | undefined
  readonly authRequired?: boolean | undefined
}

/** Documents beyond this are not read. */
export const maxRelayInfoBytes = 256 * 1024

/** What is wrong is as good as missing: a relay with a sloppy document is still a relay. */
const count = z.int().positive().optional().catch(undefined)
const text = z.string().max(1000).optional().catch(undefined)
const limitation = z
  .object({
    max_message_length: count,
    max_subscriptions: count,
    max_limit: count,
    default_limit: count,
    max_subid_length: count,
    auth_required: z.boolean().optional().catch(undefined),
  })
  .catch({})
const document = z.object({
  name: text,
  software: text,
  version: text,
  supported_nips: z.array(z.unknown()).catch([]),
  supported_grasps: z.array(z.unknown()).catch([]),
  limitation: limitation.optional(),
})

/** Reads a document; `null` for what is none. */
export function readRelayInfo(json: string): RelayInfo | null {
  if (json.length > maxRelayInfoBytes || Buffer.byteLength(json) > maxRelayInfoBytes) return null
  const { data } = document.safeParse(parse(json))
  if (data === undefined) return null
  const limits = data.limitation ?? {}
  return {
    name: data.name,
    software: data.software,
    version: data.version,
    supportedNips: data.supported_nips.filter((nip) => typeof nip === 'number'),
    supportedGrasps: data.supported_grasps.filter((grasp) => typeof grasp === 'string'),
    limitation: {
      maxMessageLength: limits.max_message_length,
      maxSubscriptions: limits.max_subscriptions,
      maxLimit: limits.max_limit,
      defaultLimit: limits.default_limit,
      maxSubscriptionId: limits.max_subid_length,
      authRequired: limits.auth_required,
    },
  }
}

/** Writes a document of our own. */
export function formatRelayInfo(info: RelayInfo): string {
  const { limitation: limits } = info
  return JSON.stringify({
    name: info.name,
    software: info.software,
    version: info.version,
    supported_nips: info.supportedNips,
    supported_grasps: info.supportedGrasps,
    limitation: {
      max_message_length: limits.maxMessageLength,
      max_subscriptions: limits.maxSubscriptions,
      max_limit: limits.maxLimit,
      default_limit: limits.defaultLimit,
      max_subid_length: limits.maxSubscriptionId,
      auth_required: limits.authRequired,
    },
  })
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined // No document, as an empty one.
  }
}
