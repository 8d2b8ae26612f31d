/**
 * Kills a chatting member with -9 many times, while it writes its profile and its history, and starts it again from them. After each
 * start its history must hold what it told as kept, unchanged, and the conference must be there; in the end the others must have
 * heard what it knows they heard, and it must have heard the others, each message once.
 *
 * Runs the built program: `npx tsc -b tsconfig.build.json` first.
 *
 * Usage: `tsx --conditions=@holdfast/source packages/conference/test/soak/member-kill.ts [kills] [seed]`
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { toxClient } from '@holdfast/conference'
import { seededRandom } from '@holdfast/core/testing'
import { temporaryFolder } from '../../../../test-support/temporary-folder.js'
import { Bot, type Line } from '../support/bot.js'
import { run } from '../support/program.js'
import { realEnv } from '../support/tox-nodes.js'

const [kills = 100, seed = 1] = process.argv.slice(2).map(Number)
const random = seededRandom(seed)
const flaws: string[] = []
/** What the member told as kept, by its position. */
const kept = new Map<number, string>()
/** Messages of its own that it knows another to have heard, by their number. */
const echoed = new Set<number>()
let slowestStart = 0
let said = 0

await using folder = await temporaryFolder()
const profile = join(folder.path, 'ben.tox')
await run('profile', 'new', '--name', 'ben', '--profile', profile)
const benKey = (await run('id', '--key', '--profile', profile)).out.trim()
const adaProfile = join(folder.path, 'ada.tox')
await run('profile', 'new', '--name', 'ada', '--profile', adaProfile)
const ada = await toxClient({
  env: realEnv('ada'),
  profile: adaProfile,
  listen: { host: '127.0.0.1', port: 0 },
})
const { address, realKey: adaKey } = ada.node
const reach = ['--friend', adaKey, '--neighbour', `${address?.host}:${address?.port}`]
ada.befriend(benKey)
const conference = ada.conferences.create() ?? 0
const { identifier = '' } = ada.conferences.get(conference) ?? {}
const adaHeard = new Map<number, number>()
ada.conferences.messages$.subscribe(({ isOurs, messageNumber }) => {
  if (!isOurs) adaHeard.set(messageNumber, (adaHeard.get(messageNumber) ?? 0) + 1)
})
const talking = setInterval(() => {
  if (ada.conferences.say(conference, `ada ${said + 1}`) === null) said += 1
}, 50)

for (let killed = 0; killed <= kills; killed += 1) {
  const began = performance.now()
  const ben = new Bot(profile, ...reach)
  const ready = await ben.event('ready')
  slowestStart = Math.max(slowestStart, performance.now() - began)
  if (killed === 0) await comeIn(ben)
  else await check(ben, ready)
  if (killed === kills) {
    clearInterval(talking)
    await conclude(ben)
    await ben.program.kill9()
    break
  }
  // Sometimes in the middle of coming back, sometimes in the middle of a talk.
  const until = performance.now() + random() * 1500
  for (let n = 0; performance.now() < until; n += 1) {
    ben.program.write(
      `${JSON.stringify({ do: 'say', conference: identifier, text: `ben ${killed}.${n}` })}\n`,
    )
    if (n % 7 === 0) ben.program.write(`${JSON.stringify({ do: 'name', name: `ben ${killed}.${n}` })}\n`)
    await delay(random() * 20)
  }
  await ben.program.kill9()
  note(ben.lines)
}
await ada.close()
const counts = {
  kills,
  seed,
  kept: kept.size,
  echoed: echoed.size,
  said,
  slowestStart: Math.round(slowestStart),
}
console.log(JSON.stringify({ ...counts, flaws }, null, 2))
process.exit(flaws.length > 0 ? 1 : 0)

async function comeIn(ben: Bot): Promise<void> {
  while (ada.conferences.invite(conference, benKey) !== null) await delay(50)
  const { from } = await ben.event('invited')
  await ben.ask({ do: 'accept', from, identifier })
  await ben.event('connected')
}

function note(lines: readonly Line[]): void {
  for (const { event, position, text, messageNumber } of lines) {
    if (event === 'echoed') echoed.add(Number(messageNumber))
    if (event !== 'message') continue
    if (position === null) flaws.push(`${String(text)} could not be kept`)
    else if (kept.has(Number(position))) flaws.push(`position ${Number(position)} was told twice`)
    else kept.set(Number(position), String(text))
  }
}

/** All of the history, page by page. */
async function historyOf(ben: Bot): Promise<Map<number, string>> {
  const all = new Map<number, string>()
  for (let after = 0; ; ) {
    const reply = await ben.ask({ do: 'page', conference: identifier, after, limit: 1000 })
    const page = reply['messages'] as { position: number; text: string }[]
    for (const { position, text } of page) all.set(position, text)
    if (page.length === 0) return all
    after = page.at(-1)?.position ?? after
  }
}

async function check(ben: Bot, { conferences }: Line): Promise<void> {
  const [first] = conferences as { identifier: string; members: unknown[] }[]
  if (first?.identifier !== identifier || first.members.length !== 1)
    flaws.push('the conference or its member is gone')
  const history = await historyOf(ben)
  for (const [position, text] of kept) {
    const found = history.get(position)
    if (found !== text) flaws.push(`${position} was ${text}, and is ${found}`)
  }
}

async function conclude(ben: Bot): Promise<void> {
  // What it is told last comes over the link that it has again.
  await ben.event('message', { text: `ada ${said}` })
  await delay(2000)
  note(ben.lines)
  const texts = [...(await historyOf(ben)).values()]
  const times = (text: string): number => texts.filter((each) => each === text).length
  for (let number = 1; number <= said; number += 1) {
    if (times(`ada ${number}`) !== 1) flaws.push(`ada ${number} is there ${times(`ada ${number}`)} times`)
  }
  for (const number of echoed) if (!adaHeard.has(number)) flaws.push(`${number} was echoed, and not heard`)
  for (const [number, count] of adaHeard) if (count > 1) flaws.push(`${number} was heard ${count} times`)
}
