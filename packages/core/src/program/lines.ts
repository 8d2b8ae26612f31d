import { HoldfastError } from '../errors.js'

/** Options of {@link linesOf}. */
export interface LinesOptions {
  /**
   * Characters of the longest line that is taken.
   *
   * @defaultValue 16,777,216
   */
  readonly longest?: number
  /** Called for a line that is longer, which is passed over then. Without it such a line is an error. */
  readonly onTooLong?: () => void
}

/**
 * Cuts a stream of bytes into lines, without their ends; the last one needs none. No more than one line of `longest` is
 * held.
 *
 * @throws (rejects) a `HoldfastError` with the code `HF_BAD_REQUEST` at a longer line, unless `onTooLong` is there
 */
export async function* linesOf(
  input: AsyncIterable<Buffer | string>,
  { longest = 16 * 1024 * 1024, onTooLong = refuse }: LinesOptions = {},
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  // Joined once, when the line is complete: a long line comes in many chunks.
  let pieces: string[] = []
  let length = 0
  for await (const chunk of input) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    for (const [index, piece] of text.split('\n').entries()) {
      if (index > 0) {
        if (length <= longest) yield pieces.join('')
        pieces = []
        length = 0
      }
      const fitted = length <= longest
      length += piece.length
      if (length <= longest) pieces.push(piece)
      else if (fitted) {
        pieces = []
        onTooLong()
      }
    }
  }
  if (length > 0 && length <= longest) yield pieces.join('')
}

function refuse(): never {
  throw new HoldfastError('HF_BAD_REQUEST', 'a line is too long: end each with a line feed')
}
