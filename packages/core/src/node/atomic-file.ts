import { open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { StoreError } from '../index.js'

/**
 * Bytes in a file of mode 0600, replaced as a whole: after a crash at any moment it holds the old ones or the new ones.
 * Saves asked for while one is under way are written as one, the last of them; each promise settles when its bytes, or
 * later ones, are on disk. Nothing looks at what the bytes mean.
 */
export class AtomicFile {
  /** Where it is. Its folder must exist. */
  readonly path: string
  #running: Promise<void> | null = null
  #next: { bytes: Uint8Array; written: Promise<void> } | null = null

  constructor(path: string) {
    this.path = path
  }

  /**
   * What it holds; `undefined` if it is not there.
   *
   * @throws (rejects) a `StoreError` `HF_STORE_UNREADABLE`
   */
  async load(): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.path)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw new StoreError('HF_STORE_UNREADABLE', this.path, `cannot be read: ${String(cause)}`, { cause })
    }
  }

  /**
   * Replaces what it holds.
   *
   * @throws (rejects) a `StoreError` `HF_STORE_UNWRITABLE`; then it holds what it held
   */
  save(bytes: Uint8Array): Promise<void> {
    if (this.#next) {
      this.#next.bytes = bytes
      return this.#next.written
    }
    const written = (this.#running ?? Promise.resolve()).catch(() => undefined).then(() => this.#writeNext())
    this.#next = { bytes, written }
    this.#running = written
    return written
  }

  async #writeNext(): Promise<void> {
    const bytes = this.#next?.bytes
    this.#next = null
    if (bytes) await replace(this.path, bytes)
  }
}

async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.tmp`)
  try {
    await synced(temporary, 'w', (file) => file.writeFile(bytes))
    await rename(temporary, path)
    await synced(folder, 'r', () => Promise.resolve())
  } catch (cause) {
    await unlink(temporary).catch(() => undefined)
    throw new StoreError('HF_STORE_UNWRITABLE', path, `cannot be saved: ${await why(cause, folder)}`, {
      cause,
    })
  }
}

async function why(cause: unknown, folder: string): Promise<string> {
  const exists = await stat(folder).then(
    () => true,
    () => false,
  )
  return exists ? String(cause) : `there is no folder ${folder}; make it`
}

type OpenFile = Awaited<ReturnType<typeof open>>

/** Opens, does, and brings what was done to the disk. */
async function synced(path: string, flags: string, act: (file: OpenFile) => Promise<void>): Promise<void> {
  const file = await open(path, flags, 0o600)
  try {
    await act(file)
    await file.sync()
  } finally {
    await file.close()
  }
}
