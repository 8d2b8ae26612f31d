import { Buffer } from 'node:buffer'
import { excerpt, MessageError } from './errors.js'

/** Bounds of a frame that a peer sends. */
export interface FrameLimits {
  /**
   * Bytes of a frame. The default lets a negentropy message of 500,000 bytes pass.
   *
   * @defaultValue 5242880
   */
  readonly maxFrameBytes?: number
}

const defaultMaxFrameBytes = 5 * 1024 * 1024

/** A text frame as the array that every message is. @throws a {@link MessageError} */
export function readFrame(text: string, limits: FrameLimits): readonly [verb: string, ...rest: unknown[]] {
  const { maxFrameBytes = defaultMaxFrameBytes } = limits
  // Characters first: that is free, and never more than the bytes.
  if (text.length > maxFrameBytes || Buffer.byteLength(text) > maxFrameBytes)
    throw new MessageError(`frame of more than ${maxFrameBytes} bytes`, text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new MessageError('frame that is not JSON', text, { cause })
  }
  if (!Array.isArray(value) || typeof value[0] !== 'string')
    throw new MessageError('frame that is not an array with a verb', text)
  return value as [string, ...unknown[]]
}

/** Whether this can name a subscription: 1 to 64 characters (NIP-01). */
export function isSubscriptionId(value: unknown, most = 64): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= most
}

/** A value of JSON for a message to people. */
export function shown(value: unknown): string {
  return excerpt(value === undefined ? 'nothing' : JSON.stringify(value), 40)
}
