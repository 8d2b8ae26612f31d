/**
 * Gives `size` fresh random bytes that nobody else holds; `randomBytes` of `node:crypto` outside of tests. Handed to
 * what has to draw, so that a test can fix it.
 */
export type RandomBytes = (size: number) => Uint8Array
