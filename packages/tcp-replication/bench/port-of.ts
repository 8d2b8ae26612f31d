export function portOf(uri: string): number {
  return Number(new URL(uri).port)
}
