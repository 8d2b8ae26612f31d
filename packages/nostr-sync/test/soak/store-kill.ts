/**
 * Kills a process that writes into a store, many times, and looks each time whether the store holds what was acknowledged.
 *
 * Usage: `tsx --conditions=@holdfast/source test/soak/store-kill.ts [kills] [seed]`
 */
import { seededRandom } from '@holdfast/core/testing'
import { temporaryFolder } from '../../../../test-support/temporary-folder.js'
import { killRepeatedly } from '../fixtures/store-kill.js'

const [kills = 200, seed = 1] = process.argv.slice(2).map(Number)
await using directory = await temporaryFolder()
const report = await killRepeatedly(directory.path, kills, seededRandom(seed))
console.log(JSON.stringify(report, null, 2))
if (report.flaws.length > 0) process.exitCode = 1
