/** Longer words are found by their beginning only. */
const longestWord = 48
/** Words of one message that are indexed. */
const mostWords = 400

const segmenter = new Intl.Segmenter('und', { granularity: 'word' })

/**
 * The words of a text by which it is found: in lower case, compatible forms of characters made one, each word once. In
 * scripts without spaces they are what ICU's dictionary takes for words.
 */
export function wordsOf(text: string): Set<string> {
  const words = new Set<string>()
  for (const { segment, isWordLike } of segmenter.segment(text.normalize('NFKC').toLowerCase())) {
    if (words.size >= mostWords) break
    if (isWordLike === true) words.add(segment.slice(0, longestWord))
  }
  return words
}
