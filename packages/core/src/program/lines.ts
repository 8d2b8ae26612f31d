/** Cuts a stream of bytes into lines, without their ends; the last one needs none. */
export async function* linesOf(input: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  // Joined once, when the line is complete: a long line comes in many chunks.
  let pieces: string[] = []
  for await (const chunk of input) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    const [first = '', ...lines] = text.split('\n')
    pieces.push(first)
    const rest = lines.pop()
    if (rest === undefined) continue
    yield pieces.join('')
    yield* lines
    pieces = [rest]
  }
  const last = pieces.join('')
  if (last !== '') yield last
}
