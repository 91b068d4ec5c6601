/** The text with what stands between the markers of `name` replaced. Throws where the markers are missing. */
export function withTables(text: string, name: string, tables: string): string {
  const [begin, end] = [`<!-- results: ${name} -->`, `<!-- end of results: ${name} -->`]
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from === -1 || to < from) throw new Error(`no place for the results of ${name}: ${begin} … ${end}`)
  return `${text.slice(0, from + begin.length)}\n\n${tables.trim()}\n\n${text.slice(to)}`
}
