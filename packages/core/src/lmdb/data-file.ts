import { constants } from 'node:fs'
import { access, type FileHandle, mkdir, open, stat } from 'node:fs/promises'
import { endianness } from 'node:os'
import { join } from 'node:path'
import { StoreError } from '../index.js'

/** Where things are in the pages of an LMDB file, data version 2 (`MDB_page`, `MDB_meta`, `MDB_node`). */
const at = { page: 0, flags: 18, lower: 20, nodes: 24, magic: 24, version: 28, pageBytes: 48, lastPage: 144 }
const atTransaction = 152
/** The tree of free pages and the tree of entries. */
const atTrees = [48, 96]
const atDepth = 6
const atRoot = 40
const metaBytes = 168
const nodeHeaderBytes = 8
/** What a node holds instead of a large value: first page, transaction, number of pages. */
const overflowBytes = 24
const smallestPageBytes = 256
const magic = 0xbeefc0de
const dataVersion = 2
const branchPage = 0x01
const leafPage = 0x02
const overflowNode = 0x01
/** The layout is that of 64-bit little-endian machines; elsewhere nothing is checked. */
const isKnownLayout = endianness() === 'LE' && process.arch.endsWith('64')

/** An LMDB file as its newest meta page describes it. */
interface LmdbFile {
  readonly handle: FileHandle
  readonly path: string
  readonly pageBytes: number
  readonly fileBytes: number
  /** Shorter than its last page number says: usual after deletions, and the sign of a truncated copy. */
  readonly isShort: boolean
  readonly trees: readonly { readonly root: number; readonly depth: number }[]
  /** The number of the newest transaction. */
  readonly transaction: number
}

/** How often a file is looked at that somebody writes to meanwhile. */
const attempts = 5

/**
 * Makes the folder if need be, and looks whether LMDB can open what is in it: from a file that is not its own or
 * is cut short, LMDB does not fail, it takes the process down. Writes into no file.
 *
 * Every page that leads to others is looked at, data pages only in a file that is shorter than it might be.
 *
 * @throws a {@link StoreError}
 */
export async function checkDataFile(path: string): Promise<void> {
  const file = join(path, 'data.mdb')
  if (!(await isUsable(path, file))) return
  const handle = await open(file, 'r')
  try {
    if (isKnownLayout) await checkAtRest(handle, path)
  } finally {
    await handle.close()
  }
}

/**
 * Pages of an earlier transaction are written anew by whoever has the file open: what does not fit together then is no
 * damage. That it is in use is for LMDB's own locks to tell.
 */
async function checkAtRest(handle: FileHandle, path: string): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const file = await readMeta(handle, path)
    try {
      await checkPages(file)
      return
    } catch (cause) {
      if ((await readMeta(handle, path)).transaction === file.transaction) throw cause
    }
  }
}

/** @returns whether there is a file to check; LMDB takes an empty one for a new database */
async function isUsable(path: string, file: string): Promise<boolean> {
  try {
    const found = await stat(path).catch(() => null)
    if (found === null) await mkdir(path, { recursive: true, mode: 0o700 })
    else if (!found.isDirectory()) {
      throw new StoreError('HF_STORE_FOREIGN', path, 'is not a directory: choose another path')
    }
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    const present = await stat(file).catch(() => null)
    if (present === null || present.size === 0) return false
    await access(file, constants.R_OK | constants.W_OK)
    return true
  } catch (cause) {
    if (cause instanceof StoreError) throw cause
    const { code = String(cause) } = cause as NodeJS.ErrnoException
    const what = `cannot be made, read or written (${code}): see who owns it and what is in its place, or choose another path`
    throw new StoreError('HF_STORE_UNAVAILABLE', path, what, { cause })
  }
}

async function readMeta(handle: FileHandle, path: string): Promise<LmdbFile> {
  const foreign = (what: string): StoreError => new StoreError('HF_STORE_FOREIGN', path, `data.mdb ${what}`)
  const first = await read(handle, 0, metaBytes)
  if (first?.readUInt32LE(at.magic) !== magic) throw foreign('is no LMDB database: choose another directory')
  if ((first.readUInt32LE(at.version) & 0xffff) !== dataVersion)
    throw foreign(
      'is of another version of LMDB: open it with the software that wrote it, or choose another directory',
    )
  const pageBytes = first.readUInt32LE(at.pageBytes)
  if (pageBytes < smallestPageBytes) throw corrupt(path, `it speaks of pages of ${pageBytes} bytes`)
  const second = await read(handle, pageBytes, metaBytes)
  if (second?.readUInt32LE(at.magic) !== magic) throw corrupt(path, 'its second page is none of LMDB')
  const meta = number(second, atTransaction) > number(first, atTransaction) ? second : first
  // Last: the file grows before a transaction says so.
  const fileBytes = (await handle.stat()).size
  return {
    ...{ handle, path, pageBytes, fileBytes, transaction: number(meta, atTransaction) },
    isShort: fileBytes < (number(meta, at.lastPage) + 1) * pageBytes,
    trees: atTrees
      .map((tree) => ({ root: number(meta, tree + atRoot), depth: meta.readUInt16LE(tree + atDepth) }))
      .filter(({ depth }) => depth > 0),
  }
}

async function checkPages(file: LmdbFile): Promise<void> {
  for (const { root, depth } of file.trees) {
    if (depth === 1) checkLeaf(file, await readPage(file, root, leafPage))
    else await checkBranch(file, root, depth - 1)
  }
}

async function checkBranch(file: LmdbFile, page: number, levelsBelow: number): Promise<void> {
  for (const { bytes, offset } of nodesOf(file, await readPage(file, page, branchPage))) {
    const child = bytes.readUInt32LE(offset) + bytes.readUInt16LE(offset + 4) * 2 ** 32
    if (levelsBelow > 1) await checkBranch(file, child, levelsBelow - 1)
    else if (file.isShort) checkLeaf(file, await readPage(file, child, leafPage))
    else checkWithin(file, child, 1)
  }
}

/** Large values are on pages of their own. */
function checkLeaf(file: LmdbFile, page: Buffer): void {
  for (const { bytes, offset } of nodesOf(file, page)) {
    if ((bytes.readUInt16LE(offset + 4) & overflowNode) === 0) continue
    const reference = offset + nodeHeaderBytes + bytes.readUInt16LE(offset + 6)
    if (reference + overflowBytes > bytes.length) throw garbled(file, bytes)
    checkWithin(file, number(bytes, reference), number(bytes, reference + 16))
  }
}

function* nodesOf(file: LmdbFile, bytes: Buffer): Generator<{ bytes: Buffer; offset: number }> {
  const end = at.nodes + bytes.readUInt16LE(at.lower)
  if (end > bytes.length) throw garbled(file, bytes)
  for (let pointer = at.nodes; pointer < end; pointer += 2) {
    const offset = at.nodes + bytes.readUInt16LE(pointer)
    if (offset + nodeHeaderBytes > bytes.length) throw garbled(file, bytes)
    yield { bytes, offset }
  }
}

async function readPage(file: LmdbFile, page: number, kind: number): Promise<Buffer> {
  checkWithin(file, page, 1)
  const bytes = await read(file.handle, page * file.pageBytes, file.pageBytes)
  if (bytes === null || number(bytes, at.page) !== page || (bytes.readUInt16LE(at.flags) & kind) === 0) {
    throw corrupt(file.path, `page ${page} is not what it should be`)
  }
  return bytes
}

function checkWithin(file: LmdbFile, page: number, pages: number): void {
  const complete = (page + pages) * file.pageBytes <= file.fileBytes
  if (!complete) throw corrupt(file.path, `it ends before page ${page}`)
}

async function read(handle: FileHandle, position: number, bytes: number): Promise<Buffer | null> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, position)
  return bytesRead === bytes ? buffer : null
}

function number(bytes: Buffer, offset: number): number {
  return Number(bytes.readBigUInt64LE(offset))
}

function garbled(file: LmdbFile, page: Buffer): StoreError {
  return corrupt(file.path, `page ${number(page, at.page)} is garbled`)
}

function corrupt(path: string, what: string): StoreError {
  return new StoreError('HF_STORE_CORRUPT', path, `data.mdb is damaged, ${what}: restore a copy of it`)
}
