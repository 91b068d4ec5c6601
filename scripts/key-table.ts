import type { KeyDoc } from '../src/config/language/key-docs.ts'

/** What a group is, behind its sentence. */
export function about({ required, fallback, expected }: KeyDoc): string {
  const off = expected.endsWith('or off') ? ' It can be `off`.' : ''
  const shape = /^a map (with|of)/.test(expected) ? '' : ` It is ${cell(expected)}.`
  const without = fallback === 'off' ? ' Default: `off`.' : ''
  return `${required ? ' Required.' : ''}${shape || off}${without}`
}

/** A table of keys, whole paths in front. */
export function keyTable(rows: readonly KeyDoc[]): string {
  const lines = rows.map(
    ({ path, expected, doc, required, fallback, group }) =>
      `| \`${path}\` | ${cell(group && expected.startsWith('a map with') ? 'a map' : expected)} | ${required ? '**required**' : written(fallback)} | ${cell(doc)} |`,
  )
  return `| key | value | default | |\n|---|---|---|---|\n${lines.join('\n')}\n\n`
}

function written(value: unknown): string {
  if (value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)) return ''
  return `\`${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}\``
}

function cell(text: string): string {
  const code = /"~ [^"]*"|(?:\/[\w/]*)?\{ ?[^}]*\}|\*\.[\w.]*\w|\/\w+\/\*/g
  return text.replaceAll('|', '\\|').replace(code, (part) => `\`${part}\``)
}
