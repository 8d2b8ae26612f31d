import { renderUnicodeCompact } from 'uqr'
import type { UserLink } from './links.js'

const modeNames: Readonly<Record<UserLink['mode'], string>> = {
  'fake-tls': 'fake-TLS (ee)',
  secure: 'secure (dd)',
  plain: 'plain',
}

/**
 * Links for people, as they are printed at the start and by `link`.
 *
 * @param qr - with a QR code of the first link of each secret, which is the best hidden one
 */
export function describeLinks(links: readonly UserLink[], o: { readonly qr: boolean }): string {
  const lines: string[] = []
  let last = ''
  for (const { listener, name, mode, tg, https } of links) {
    const heading = name === listener ? `port ${listener}` : `port ${listener}, ${name}`
    if (heading !== last) lines.push(...(last === '' ? [] : ['']), heading)
    lines.push(`  ${modeNames[mode]}`, `    ${tg}`, `    ${https}`)
    if (o.qr && heading !== last) lines.push(renderUnicodeCompact(https, { border: 2 }))
    last = heading
  }
  return lines.join('\n')
}
