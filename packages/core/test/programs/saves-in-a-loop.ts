/** Saves growing values to the file that it is told, one after the other, until it is killed. */
import { fileStore } from '../../src/node/file-store.js'

const store = fileStore<{ count: number; filler: string }>({ path: process.argv[2] ?? '' })
let count = (await store.load())?.count ?? 0
console.log('begun')
for (;;) {
  count += 1
  await store.save({ count, filler: 'x'.repeat((count * 997) % 50_000) })
}
