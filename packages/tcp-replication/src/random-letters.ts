/** So many random small letters. */
export function randomLetters(count: number, random: () => number): string {
  return Array.from({ length: count }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join('')
}
