import type { Sample } from './judge.ts'
import type { Event } from './ledger.ts'

const WIDTH = 900
const [LEFT, RIGHT] = [64, 16]
const PANEL = 150
const [TOP, GAP] = [34, 44]

interface Series {
  readonly name: string
  readonly colour: string
  readonly values: readonly number[]
}

interface Panel {
  readonly title: string
  readonly series: readonly Series[]
}

const MARKS: Partial<Record<Event, string>> = { 'worker ended': '#c0392b', 'endpoint down': '#d9a441' }

/** Memory, and requests per second, over the run; marks where a worker was ended and where an endpoint went down. */
export function picture(
  samples: readonly Sample[],
  events: readonly { readonly event: Event; readonly at: number }[],
  title: string,
): string {
  const at = samples.map((sample) => sample.at)
  const last = at.at(-1) ?? 1
  const panels: Panel[] = [
    {
      title: 'MB',
      series: [
        { name: 'memory of the process (PSS)', colour: '#1f5fa8', values: samples.map(({ pss }) => pss / 1e6) },
        { name: 'heaps of the workers', colour: '#3c9d5d', values: samples.map(({ heap }) => heap / 1e6) },
        { name: 'their external memory', colour: '#8a63b3', values: samples.map(({ external }) => external / 1e6) },
      ],
    },
    {
      title: 'requests per second',
      series: [{ name: 'requests that ended', colour: '#1f5fa8', values: samples.map(({ rate }) => rate) }],
    },
  ]
  const height = TOP + panels.length * (PANEL + GAP)
  const x = (seconds: number): number => LEFT + (seconds / last) * (WIDTH - LEFT - RIGHT)
  const marks = events.flatMap(({ at: when, event }) => {
    const colour = MARKS[event]
    if (colour === undefined || when < 0 || when > last) return []
    const place = x(when).toFixed(1)
    return [
      `<line x1="${place}" x2="${place}" y1="${TOP}" y2="${height - GAP}" stroke="${colour}" stroke-opacity="0.35"/>`,
    ]
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="${LEFT}" y="18" font-size="14">${escaped(title)}</text>
${marks.join('\n')}
${panels.map((panel, i) => drawn(panel, at.map(x), TOP + i * (PANEL + GAP), last)).join('\n')}
</svg>
`
}

function drawn({ series, title }: Panel, places: readonly number[], top: number, last: number): string {
  const most = ceiling(Math.max(1, ...series.flatMap(({ values }) => values)))
  const bottom = top + PANEL
  const y = (value: number): string => (bottom - (value / most) * PANEL).toFixed(1)
  const grid = [0, 0.5, 1].map((share) => {
    const place = y(share * most)
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${place}" y2="${place}" stroke="#ddd"/><text x="${LEFT - 6}" y="${Number(place) + 4}" text-anchor="end">${share * most}</text>`
  })
  const minutes = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const place = LEFT + share * (WIDTH - LEFT - RIGHT)
    return `<text x="${place}" y="${bottom + 16}" text-anchor="middle" fill="#555">${((share * last) / 60).toFixed(1)} min</text>`
  })
  const lines = series.map(({ colour, values }) => {
    const points = values.map((value, i) => `${(places[i] as number).toFixed(1)},${y(value)}`)
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points.join(' ')}"/>`
  })
  const names = series.map(
    ({ colour, name }, i) =>
      `<text x="${LEFT + 140 + i * 220}" y="${top - 4}" fill="${colour}">${escaped(name)}</text>`,
  )
  const head = `<text x="${LEFT}" y="${top - 4}" fill="#555">${escaped(title)}</text>`
  return [...grid, ...minutes, ...lines, head, ...names].join('\n')
}

/** The next of 1, 2, 5 times a power of ten. */
function ceiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((step) => step * power >= value) as number) * power
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
