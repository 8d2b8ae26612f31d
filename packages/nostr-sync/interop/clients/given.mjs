import { Buffer } from 'node:buffer'
import process from 'node:process'

// What every client is told, on standard input: where the relay is, what the client has, and what it is to ask for.
export async function given() {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks))
}

export function report(counted) {
  process.stdout.write(`${JSON.stringify(counted)}\n`, () => process.exit(0))
}
