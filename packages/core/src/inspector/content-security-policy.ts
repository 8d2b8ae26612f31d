import { createHash } from 'node:crypto'
import { page } from './page.js'

/** What the page may do: run its own script, look as its own style says, and talk to whom it came from. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src ${hashesOf('script')}`,
  `style-src ${hashesOf('style')}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

function hashesOf(tag: string): string {
  const inline = page.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))
  return Array.from(
    inline,
    ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  ).join(' ')
}
