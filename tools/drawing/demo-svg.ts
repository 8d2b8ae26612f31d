import { stripVTControlCharacters } from 'node:util'

const [columns, charWidth, lineHeight, margin] = [148, 7.2, 17, 20]
const acts = /^▶ \d+ s: /

/**
 * Draws what a run of the demonstration has printed, for light and dark screens.
 *
 * @throws if that is no whole run
 */
export function demoSvg(printed: string): string {
  const all = stripVTControlCharacters(printed).trimEnd().split('\n')
  const told = all.filter((line) => acts.test(line))
  const tableAt = all.findIndex((line) => line.startsWith('promised'))
  if (told.length === 0 || tableAt < 0) {
    const missing = told.length === 0 ? 'acts (▶ 1 s: …)' : 'table (promised …)'
    throw new Error(`no ${missing} in it: record a whole run, pnpm demo > run.txt`)
  }
  const lines = ['$ pnpm demo', '', ...told, '', ...all.slice(tableAt)]
  const width = Math.ceil(columns * charWidth + 2 * margin)
  const height = lines.length * lineHeight + 2 * margin
  const rows = lines.map(
    (line, index) =>
      `  <text x="${margin}" y="${margin + (index + 0.75) * lineHeight}">${drawn(line)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">
  <title id="title">The demonstration: the acts of a storm, and a table of what was promised, and what was counted</title>
  <style>
    rect { fill: #fbfaf7; stroke: #d9d5cb }
    text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #24292f; white-space: pre }
    .act { font-weight: 600 } .dim { fill: #5c6570 } .held { fill: #176b2c; font-weight: 600 }
    @media (prefers-color-scheme: dark) {
      rect { fill: #14181d; stroke: #333b45 } text { fill: #d7dde4 } .dim { fill: #98a3af } .held { fill: #6fcf86 }
    }
  </style>
  <rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${rows.join('\n')}
</svg>
`
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const cut = (text: string): string => (text.length > columns ? `${text.slice(0, columns - 1)}…` : text)

/** A line with its classes: what was typed, acts, the verdict. */
function drawn(line: string): string {
  const text = escaped(cut(line))
  if (line.startsWith('$') || line.startsWith('promised')) return `<tspan class="dim">${text}</tspan>`
  if (acts.test(line)) return `<tspan class="act">${text}</tspan>`
  return text.replace(/ {2}(held) {2}/, '  <tspan class="held">$1</tspan>  ')
}
