import { copyFile } from 'node:fs/promises'
import type { Store } from '@holdfast/core'
import { AtomicFile, fileStore } from '@holdfast/core/node'
import type { ConferenceMemory } from '../group/memory.js'
import { SaveFileError } from '../wire/errors.js'
import { decodeMemories, encodeMemories, parseMemories, type SavedMemories } from './memories.js'
import { changeProfile, type ProfileChanges, readProfile, type ToxProfile } from './tox-profile.js'

/**
 * A Tox save file, and beside it, in `PATH.memories`, what such a file has no room for. Both are replaced as a whole. A
 * file that cannot be understood is never overwritten: its bytes are copied to `PATH.corrupt`, and the error names it.
 */
export class ProfileStore {
  readonly profile: ToxProfile
  /** What was kept beside the save file when it was opened. */
  readonly memories: readonly ConferenceMemory[]
  readonly #file: AtomicFile
  readonly #memoryFile: Store<SavedMemories>
  #bytes: Uint8Array

  private constructor(
    file: AtomicFile,
    bytes: Uint8Array,
    memoryFile: Store<SavedMemories>,
    memories: readonly ConferenceMemory[],
  ) {
    this.#file = file
    this.#bytes = bytes
    this.#memoryFile = memoryFile
    this.profile = readProfile(bytes)
    this.memories = memories
  }

  /**
   * Opens a save file.
   *
   * @param create - makes the file that is missing; without it that is an error
   * @throws (rejects) a {@link SaveFileError}, or a `HoldfastError` `HF_STORE_…`
   */
  static async open(path: string, create?: () => Uint8Array): Promise<ProfileStore> {
    const file = new AtomicFile(path)
    let bytes = await file.load()
    if (!bytes) {
      if (!create) throw new SaveFileError(`${path} is not there: make a profile there, or name another`)
      bytes = create()
      await file.save(bytes)
    }
    await mustBeRead(path, bytes)
    const memoryFile = fileStore({ path: `${path}.memories`, parse: parseMemories })
    const saved = await memoryFile.load()
    return new ProfileStore(file, bytes, memoryFile, saved ? decodeMemories(saved) : [])
  }

  /** The save file as it was last read or written. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** Writes both files; settles when that would survive a crash. */
  async save(changes: ProfileChanges, memories: readonly ConferenceMemory[]): Promise<void> {
    this.#bytes = changeProfile(this.#bytes, changes)
    await Promise.all([this.#file.save(this.#bytes), this.saveMemories(memories)])
  }

  /** Writes what is beside the save file only. */
  saveMemories(memories: readonly ConferenceMemory[]): Promise<void> {
    return this.#memoryFile.save(encodeMemories(memories))
  }
}

async function mustBeRead(path: string, bytes: Uint8Array): Promise<void> {
  try {
    readProfile(bytes)
  } catch (cause) {
    if (!(cause instanceof SaveFileError)) throw cause
    const copy = `${path}.corrupt`
    await copyFile(path, copy).catch(() => undefined)
    throw new SaveFileError(`${path}: ${cause.message} (its bytes are kept in ${copy})`, { cause })
  }
}
