import { copyFile, open, readFile, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Store } from '../index.js'
import { HoldfastError, OptionError } from '../index.js'

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
  readonly #path: string
  readonly #parse: (json: unknown) => T
  /** The file was read, or written by us: what it holds may be replaced. */
  #isKnown = false
  #running: Promise<void> | null = null
  #next: { text: string; written: Promise<void> } | null = null

  constructor(path: string, parse: (json: unknown) => T) {
    this.#path = path
    this.#parse = parse
  }

  async load(): Promise<T | undefined> {
    const text = await this.#read()
    const value = text === undefined ? undefined : await this.#understand(text)
    this.#isKnown = true
    return value
  }

  async save(value: T): Promise<void> {
    // Turned into text at once: the caller may go on to change the value.
    const text = JSON.stringify(value)
    if (this.#next !== null) {
      this.#next.text = text
      return this.#next.written
    }
    const written = (this.#running ?? Promise.resolve()).catch(ignored).then(() => this.#writeNext())
    this.#next = { text, written }
    this.#running = written
    return written
  }

  async #writeNext(): Promise<void> {
    if (!this.#isKnown) await this.#know()
    const text = this.#next?.text
    this.#next = null
    if (text !== undefined) await replaceFile(this.#path, text)
  }

  /** Nothing is replaced that was never understood. */
  async #know(): Promise<void> {
    try {
      await this.load()
    } catch (cause) {
      this.#next = null
      throw cause
    }
  }

  async #read(): Promise<string | undefined> {
    try {
      return await readFile(this.#path, 'utf8')
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw new HoldfastError('HF_STORE_UNREADABLE', `cannot read ${this.#path}: ${String(cause)}`, { cause })
    }
  }

  async #understand(text: string): Promise<T> {
    try {
      return this.#parse(JSON.parse(text))
    } catch (cause) {
      const copy = `${this.#path}.corrupt`
      // Whatever is done to the file now, its bytes stay. Where even that fails the error still says all.
      await copyFile(this.#path, copy).catch(ignored)
      const todo = `its bytes are kept in ${copy}; restore it, or remove it to start from nothing`
      const found = cause instanceof Error ? cause.message : String(cause)
      throw new HoldfastError('HF_STORE_CORRUPT', `${this.#path} is damaged: ${todo} (${found})`, { cause })
    }
  }
}

/** The failure of an earlier save was told to whoever asked for it. */
const ignored = (): void => undefined

async function replaceFile(path: string, text: string): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.tmp`)
  try {
    await synced(temporary, 'w', (file) => file.writeFile(text))
    await rename(temporary, path)
    await synced(folder, 'r', () => Promise.resolve())
  } catch (cause) {
    await unlink(temporary).catch(ignored)
    throw new HoldfastError('HF_STORE_UNWRITABLE', `cannot save ${path}: ${String(cause)}`, { cause })
  }
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
