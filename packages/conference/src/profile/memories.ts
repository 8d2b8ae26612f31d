import { Buffer } from 'node:buffer'
import { z } from 'zod'
import type { ConferenceMemory } from '../group/memory.js'
import { messageIds } from '../wire/packets.js'

const key = z.string().regex(/^[0-9a-f]{64}$/)

const entry = z.object({
  realKey: key,
  peerNumber: z.int(),
  messageNumber: z.int(),
  messageId: z.literal([messageIds.chat, messageIds.action]),
  text: z.base64(),
  at: z.number(),
})

const memory = z.object({
  identifier: z.string().regex(/^[0-9a-f]{66}$/),
  memberSince: z.number(),
  entries: z.array(entry),
  heard: z.array(z.tuple([z.int(), z.int()])).default([]),
  floors: z.array(z.tuple([z.int(), z.int()])),
  exact: z.object({ messageNumber: z.int(), lossyNumber: z.int() }).nullable(),
})

const file = z.object({ format: z.literal('holdfast conference memories 1'), memories: z.array(memory) })

/** Memories as JSON can hold them. */
export type SavedMemories = z.output<typeof file>

/** Makes them fit for a JSON file. */
export function encodeMemories(memories: readonly ConferenceMemory[]): SavedMemories {
  return {
    format: 'holdfast conference memories 1',
    memories: memories.map(({ identifier, memberSince, entries, heard, floors, exact }) => ({
      identifier,
      memberSince,
      entries: entries.map((each) => ({ ...each, text: Buffer.from(each.text).toString('base64') })),
      heard: heard.map(([peer, number]): [number, number] => [peer, number]),
      floors: floors.map(([peer, number]): [number, number] => [peer, number]),
      exact,
    })),
  }
}

/** Checks what a JSON file holds. @throws a `ZodError` when it is something else */
export function parseMemories(json: unknown): SavedMemories {
  return file.parse(json)
}

/** The memories that a file holds. */
export function decodeMemories({ memories }: SavedMemories): ConferenceMemory[] {
  return memories.map((one) => ({
    ...one,
    entries: one.entries.map((each) => ({ ...each, text: Buffer.from(each.text, 'base64') })),
  }))
}
