import { seededRandom } from '@holdfast/core/testing'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../../test-support/temporary-folder.js'
import { killRepeatedly } from './fixtures/append-log-kill.js'

it('I17, I18: a log whose writer is killed holds all that was acknowledged, in order, and no half batch', async () => {
  await using directory = await temporaryFolder()
  const report = await killRepeatedly(directory.path, 12, seededRandom(20))
  expect(report.flaws).toEqual([])
  expect(report.acknowledged).toBeGreaterThan(100)
  expect(report.found).toBeGreaterThanOrEqual(report.acknowledged)
}, 60_000)
