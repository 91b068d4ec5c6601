/** A group of horizontal bars under a heading. */
export interface Panel {
  readonly title: string
  readonly note: string
  readonly bars: readonly Bar[]
  /** Bars are as long as the logarithm of their value. */
  readonly logarithmic: boolean
}

export interface Bar {
  readonly label: string
  readonly value: number
  /** As it is written behind the bar. */
  readonly text: string
  /** A paler bar: what it is compared with. */
  readonly pale?: boolean
}

const WIDTH = 860
const LABEL = 190
const LONGEST = 440
const ROW = 20
const HEAD = 46
const GAP = 18

/** Panels one below the other, as SVG that is legible on light and dark pages. */
export function picture(title: string, panels: readonly Panel[]): string {
  let top = GAP
  const parts: string[] = []
  for (const panel of panels) {
    parts.push(drawn(panel, top))
    top += HEAD + panel.bars.length * ROW + GAP
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="12">
<title>${escaped(title)}</title>
<rect width="${WIDTH}" height="${top}" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`
}

function drawn({ bars, logarithmic, note, title }: Panel, top: number): string {
  const scale = (value: number): number => (logarithmic ? Math.log10(Math.max(1, value)) : value)
  const greatest = Math.max(...bars.map(({ value }) => scale(value)))
  const lines = [
    `<text x="12" y="${top + 14}" font-size="15" font-weight="600" fill="#1a1a1a">${escaped(title)}</text>`,
    `<text x="12" y="${top + 32}" fill="#5a5a5a">${escaped(note)}</text>`,
  ]
  for (const [i, { label, pale, text, value }] of bars.entries()) {
    const y = top + HEAD + i * ROW
    const length = Math.max(1, Math.round((scale(value) / greatest) * LONGEST))
    lines.push(
      `<text x="${LABEL - 8}" y="${y + 11}" text-anchor="end" fill="#1a1a1a">${escaped(label)}</text>`,
      `<rect x="${LABEL}" y="${y}" width="${length}" height="14" rx="2" fill="${pale === true ? '#b8cbe0' : '#2f6db3'}"/>`,
      `<text x="${LABEL + length + 6}" y="${y + 11}" fill="#1a1a1a">${escaped(text)}</text>`,
    )
  }
  return lines.join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
