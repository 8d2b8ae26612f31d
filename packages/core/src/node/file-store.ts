import { copyFile } from 'node:fs/promises'
import type { Store } from '../index.js'
import { OptionError, StoreError } from '../index.js'
import { AtomicFile } from './atomic-file.js'

/** Options of {@link fileStore}. */
export interface FileStoreOptions<T> {
  /** The file. Its folder must exist. */
  readonly path: string
  /**
   * Checks what was read and gives it its type; throws when it is not what was saved. A zod schema's `parse` fits.
   *
   * @defaultValue takes any JSON as it is
   */
  readonly parse?: (json: unknown) => T
}

/**
 * Keeps one value as JSON in a file of mode 0600.
 *
 * A save writes a temporary file in the same folder, syncs it, renames it over the old one and syncs the folder:
 * after a crash at any moment the file holds the old value or the new one. Saves asked for while one is under way
 * are written as one, the last value of them; each promise settles when its value, or a later one, is on disk.
 *
 * A file that exists and cannot be understood is never replaced by a fresh start: both `load` and `save` reject
 * with `HF_STORE_CORRUPT` until somebody has looked. The file is left as it is, and copied to `PATH.corrupt`. A
 * missing file loads as `undefined`. One process at a time may use a file.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { fileStore } from '@holdfast/core/node'
 *
 * const folder = await mkdtemp(join(tmpdir(), 'store-'))
 * const store = fileStore<{ at: number }>({ path: join(folder, 'position.json') })
 * await store.load() // => undefined
 * await store.save({ at: 7 })
 * await store.load() // => { at: 7 }
 * await rm(folder, { recursive: true })
 * ```
 */
export function fileStore<T>(options: FileStoreOptions<T>): Store<T> {
  if (typeof options.path !== 'string' || options.path === '') {
    throw new OptionError('path', 'the path of a file', options.path)
  }
  return new FileStore(options.path, options.parse ?? ((json) => json as T))
}

class FileStore<T> implements Store<T> {
  readonly #file: AtomicFile
  readonly #parse: (json: unknown) => T
  /** The file was read, or written by us: what it holds may be replaced. */
  #known: Promise<unknown> | null = null

  constructor(path: string, parse: (json: unknown) => T) {
    this.#file = new AtomicFile(path)
    this.#parse = parse
  }

  async load(): Promise<T | undefined> {
    const bytes = await this.#file.load()
    const value = bytes === undefined ? undefined : await this.#understand(Buffer.from(bytes).toString())
    this.#known = Promise.resolve()
    return value
  }

  async save(value: T): Promise<void> {
    // Turned into text at once: the caller may go on to change the value.
    const text = Buffer.from(JSON.stringify(value))
    // Nothing is replaced that was never understood.
    if (this.#known === null) {
      this.#known = this.load()
      this.#known.catch(() => (this.#known = null))
    }
    await this.#known
    await this.#file.save(text)
  }

  async #understand(text: string): Promise<T> {
    try {
      return this.#parse(JSON.parse(text))
    } catch (cause) {
      const copy = `${this.#file.path}.corrupt`
      // Whatever is done to the file now, its bytes stay. Where even that fails the error still says all.
      await copyFile(this.#file.path, copy).catch(ignored)
      const todo = `its bytes are kept in ${copy}; restore it, or remove it to start from nothing`
      const found = cause instanceof Error ? cause.message : String(cause)
      throw new StoreError('HF_STORE_CORRUPT', this.#file.path, `damaged; ${todo} (${found})`, { cause })
    }
  }
}

/** Where even the copy fails, the error still says all. */
const ignored = (): void => undefined
