import { seededRandom } from '@holdfast/core/testing'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { killRepeatedly } from './fixtures/store-kill.js'

it('R88: a store whose writer is killed holds all that was acknowledged, and no half of a put', async () => {
  await using directory = await temporaryFolder()
  const report = await killRepeatedly(directory.path, 5, seededRandom(20))
  expect(report.flaws).toEqual([])
  expect(report.acknowledged).toBeGreaterThan(100)
}, 60_000)
