/**
 * Draws `docs/demo.svg` from what a real run of the demonstration has printed: its acts, and the table at its end. Light and dark.
 *
 *     pnpm demo > run.txt; pnpm docs:demo run.txt
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { demoSvg } from './drawing/demo-svg.js'

const recorded = process.argv[2]
if (recorded === undefined) throw new Error('which run? Record one: pnpm demo > run.txt')
writeFileSync('docs/demo.svg', demoSvg(readFileSync(recorded, 'utf8')))
