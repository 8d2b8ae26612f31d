import { access } from 'node:fs/promises'
import type { Budget, WallStamp } from '@holdfast/core'
import { MessageLog } from '../history/message-log.js'
import { ProfileStore } from '../profile/profile-store.js'
import { SaveFileError, whyUnread } from '../wire/errors.js'

/** What a profile keeps on disk: see {@link openKept}. */
export interface Kept {
  readonly store: ProfileStore
  readonly messages: MessageLog
}

/** Options of {@link openKept}. */
export interface KeptOptions {
  readonly profile: string
  readonly create?: () => Uint8Array
  readonly keep?: Budget
  readonly wall: () => WallStamp
}

/** Opens a save file and what is beside it, and keeps other processes from doing so until `messages` is closed. */
export async function openKept({ profile, create, keep, wall }: KeptOptions): Promise<Kept> {
  if (!create) await mustBeThere(profile)
  const messages = await MessageLog.open({ path: `${profile}.messages`, wall, ...(keep && { keep }) })
  try {
    return { messages, store: await ProfileStore.open(profile, create) }
  } catch (cause) {
    await messages.close()
    throw cause
  }
}

async function mustBeThere(path: string): Promise<void> {
  try {
    await access(path)
  } catch (cause) {
    throw new SaveFileError(whyUnread(path, cause, 'make a profile there, or name another'), { cause })
  }
}
