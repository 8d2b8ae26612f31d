import { HoldfastError, type Log } from '@holdfast/core'
import { linesOf } from '@holdfast/core/program'
import { z } from 'zod'
import type { AppendLog } from '../source/append-log.js'

const appended = z.strictObject({
  stream: z.string(),
  rows: z.array(z.unknown()).min(1),
  token: z.number().int().optional(),
})

/** Appends what comes in, a batch on each line; a line that cannot be appended is reported and skipped. */
export function appendFromInput(log: AppendLog, input: AsyncIterable<Buffer | string>, report: Log): void {
  const run = async (): Promise<void> => {
    const onTooLong = (): void => report.error({}, 'a line of standard input was too long, and not appended')
    for await (const line of linesOf(input, { onTooLong })) {
      if (line.trim() === '') continue
      try {
        const { stream, rows, token } = parse(line)
        await log.append(stream, rows, token === undefined ? {} : { token })
      } catch (failure) {
        report.error({ err: failure }, 'a line of standard input was not appended')
      }
    }
  }
  run().catch((failure: unknown) => report.error({ err: failure }, 'standard input broke down'))
}

function parse(line: string): z.output<typeof appended> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new HoldfastError('HF_BAD_REQUEST', `not JSON: ${line.slice(0, 80)}`, { cause })
  }
  const batch = appended.safeParse(value)
  if (batch.success) return batch.data
  throw new HoldfastError(
    'HF_BAD_REQUEST',
    `{"stream":"NAME","rows":[…]} expected: ${z.prettifyError(batch.error)}`,
  )
}
