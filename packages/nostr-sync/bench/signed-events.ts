import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { eventId, type NostrEvent } from '@holdfast/nostr-sync'
import { signSchnorr, xOnlyPointFromScalar } from 'tiny-secp256k1'

const secret = Buffer.alloc(32, 7)
const pubkey = Buffer.from(xOnlyPointFromScalar(secret)).toString('hex')

/** Signs an event of the one author that there is. */
function signed(parts: Pick<NostrEvent, 'created_at' | 'kind' | 'tags' | 'content'>): NostrEvent {
  const id = eventId({ pubkey, ...parts })
  const sig = Buffer.from(signSchnorr(Buffer.from(id, 'hex'), secret)).toString('hex')
  return { id, pubkey, ...parts, sig }
}

/** The address of the repository that all events are about. */
const repository = `30617:${pubkey}:project`

/** Announces it. */
export function announcement(domain: string, relay: string): NostrEvent {
  const tags = [
    ['d', 'project'],
    ['clone', `https://${domain}/project.git`],
    ['relays', `wss://${domain}`, relay],
  ]
  return signed({ created_at: 1_600_000_000, kind: 30_617, tags, content: '' })
}

/** A comment on it, of 820 bytes as JSON: what events of this sort have on the average. */
export function comment(index: number, created_at: number): NostrEvent {
  const tags = [
    ['A', repository],
    ['K', '30617'],
    ['t', `topic-${index % 50}`],
  ]
  return signed({ created_at, kind: 1111, tags, content: `${index} `.padEnd(300, 'x') })
}

const file = 'packages/nostr-sync/node_modules/.cache/bench/signed-events.jsonl'

/** Many comments, one a second; made once, because signing takes longer than what is measured. */
export function manyComments(count: number): NostrEvent[] {
  if (!existsSync(file) || linesOf(file).length < count) {
    mkdirSync(dirname(file), { recursive: true })
    const lines = Array.from({ length: count }, (_, index) =>
      JSON.stringify(comment(index, 1_700_000_000 + index)),
    )
    // Whole or not at all: another process may look for it meanwhile.
    writeFileSync(`${file}.${process.pid}`, lines.join('\n'))
    renameSync(`${file}.${process.pid}`, file)
  }
  return linesOf(file)
    .slice(0, count)
    .map((line) => JSON.parse(line) as NostrEvent)
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n')
}
