import { type Result, short } from '../../bench/table.js'

/**
 * A page with these results in the place of those between its markers.
 *
 * @param machine - what they were found on, in a sentence
 * @throws if the page does not have the markers
 */
export function withFigures(page: string, results: readonly Result[], machine: string): string {
  const place = /<!-- figures -->[\s\S]*<!-- \/figures -->/
  if (!place.test(page)) {
    throw new Error('the page has no place for figures: mark it by <!-- figures --> and <!-- /figures -->')
  }
  const names = [...new Set(results.map(({ benchmark }) => benchmark))]
  const tables = names.map((name) => {
    const rows = results.filter(({ benchmark }) => benchmark === name).map(rowOf)
    return `**${name}**\n\n| | median (least – most) | limit | ours is better |\n| --- | --- | --- | --- |\n${rows.join('\n')}`
  })
  const found = `<!-- figures -->\n\n${machine}\n\n${tables.join('\n\n')}\n\n<!-- /figures -->`
  return page.replace(place, () => found)
}

function rowOf({ figure, subject, unit, median, least, most, limit, oursIsBetter }: Result): string {
  const range = least === most ? '' : ` (${short(least)} – ${short(most)})`
  const beside = oursIsBetter === undefined ? '' : `× ${short(oursIsBetter)}`
  const name = oursIsBetter === undefined ? figure : subject
  return `| ${name} | ${short(median)} ${unit}${range} | ${limit === undefined ? '' : short(limit)} | ${beside} |`
}
