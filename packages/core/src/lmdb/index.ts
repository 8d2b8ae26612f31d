/**
 * An embedded database on disk with one owner. Needs `lmdb`.
 *
 * @packageDocumentation
 */

export { LmdbFolder, type LmdbFolderOptions } from './lmdb-folder.js'
