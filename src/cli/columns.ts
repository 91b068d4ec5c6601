/** Rows as aligned columns, each line indented by `indent` spaces; the last column is not padded. */
export function columns(rows: readonly (readonly string[])[], indent: number): string {
  const widths: number[] = []
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd((widths[i] ?? 0) + 2))).join('')
  return rows.map((row) => `${' '.repeat(indent)}${printable(line(row).trimEnd())}\n`).join('')
}

/** Without control characters that a terminal would obey: requests and files come from others. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '\ufffd')
}
