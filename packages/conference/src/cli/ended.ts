import { HoldfastError } from '@holdfast/core'
import { exitCodes } from '@holdfast/core/service'
import { fail } from './fail.js'

/** Waits for a command that is no service; if it fails for a known reason the program says so and ends. */
export async function ended(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (cause) {
    if (!(cause instanceof HoldfastError)) throw cause
    fail(exitCodes.failure, cause.message, cause)
  }
}
