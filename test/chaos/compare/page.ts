import { fileURLToPath } from 'node:url'
import { machine } from '../../bench/machine.ts'
import { calmTable, calmVerdicts } from './calm.ts'
import type { Case } from './cases.ts'
import { CONTENDERS } from './gateways.ts'
import type { Figures } from './measure.ts'

export const PAGE = fileURLToPath(new URL('../../../docs/failure-comparison.md', import.meta.url))

/** What became of one case, by gateway. */
export interface Row {
  readonly about: Case
  readonly figures: ReadonlyMap<string, Figures>
}

const COLUMNS: readonly (readonly [head: string, show: (figures: Figures) => string])[] = [
  ['failed', ({ failed }) => `${failed.toFixed(2)} %`],
  ['good answers per second', ({ goodput }) => goodput.toFixed(0)],
  ['p99 of good answers', ({ p99 }) => ms(p99)],
  ['p99 before', ({ calmP99 }) => ms(calmP99)],
  ['median of all answers', ({ p50 }) => ms(p50)],
  ['requests to the sick endpoint', ({ sent }) => String(sent)],
  ['last failure after the fault', ({ recovery }) => (recovery === 0 ? 'none' : ms(recovery))],
  ['most at a time afterwards', ({ peak }) => String(peak)],
]

export function tableOf({ figures }: Row): string {
  const names = [...figures.keys()]
  const lines = COLUMNS.map(([head, show]) => {
    return `| ${head} | ${names.map((name) => show(figures.get(name) as Figures)).join(' | ')} |`
  })
  return [`| | ${names.join(' | ')} |`, `|---|${names.map(() => '---:').join('|')}|`, ...lines].join('\n')
}

/** `rounds`: the figures are medians of so many. */
export function comparisonPage(rows: readonly Row[], rounds: number): string {
  const versions = CONTENDERS.map(({ name, version }) => `${name} (${version() ?? 'not installed'})`).join(', ')
  return `# The same failures with nginx and HAProxy

This page is written by \`npm run chaos:compare\`: the load and the faults of [failure-modes.md](failure-modes.md) for
${versions}, turn by turn on one machine (${machine()}), medians of ${rounds} rounds: 3 s to warm up, 4 s calm, 5 s
with the fault (15 s in \`slow-clients\`), 5 s after it. Each
gateway is told the same as far as it has words for it: fewest requests in flight balance (in all cases), two attempts of 500 ms, an
endpoint with five failures in a row is left out for 2 s, checks every 500 ms (not in nginx, whose free version has none), and in the case \`overload\` three requests at a time for
each endpoint and a queue of 30 (nginx has none). The load is open: a request is sent when it is due, and waiting counts. Times are
of a small shared machine: take ratios, not milliseconds.

- **failed**: answers from 500 on and broken ones, of the requests while the fault lasted; in \`isolation\` of the route whose
  upstream is well. The bound of \`overload\` cannot be met for all: four fifths must be refused.
- **requests to the sick endpoint**: of the first, where all are sick.
- **most at a time afterwards**: requests that an upstream had at a time when it came back.

What it shows: none of the three fails a request because of one bad endpoint, and none drowns in overload. Sluice adds a
little time to each request, seen most in the p99, and sends the fewest requests to an upstream that breaks its answers: its
circuit breaker counts broken bodies, the others don't. The price of the breaker is the recovery: after a failure of all endpoints it
lets probes through and then a growing share, so that the last refused request comes later (\`openFor\`, \`halfOpen.ramp\`: 1 s each
here) than with HAProxy, whose checks see the return at once. HAProxy's and nginx's queues differ: HAProxy lets requests wait for its
whole queue time before it refuses them, nginx has no queue and refuses at once.

Slow clients nginx does not notice: it reads an upload whole before it asks the upstream, and keeps an answer in a file for those who
read slowly. Sluice and HAProxy pass both on as they come. Sluice refuses others as long as the slow clients that take the last
permit are younger than 5 s, the first third of the time here, and serves all clients from then on ([slow
clients](slow-clients.md)).

## Before the fault

${calmTable(calmVerdicts(rows))}

${rows.map(section).join('\n')}
## What the configs say

${CONTENDERS.map(shown).join('\n')}`
}

function section(row: Row): string {
  const { fault, name, title, topology } = row.about.scenario
  return `## \`${name}\`\n\n**${title}.** ${topology} ${fault}\n\n${tableOf(row)}\n`
}

function shown({ config, name }: (typeof CONTENDERS)[number]): string {
  const endpoints = { app: [1, 2, 3].map((i) => ({ port: 8080 + i })) } as never
  const text = config({ routes: { app: '/' }, maxPerEndpoint: undefined }, 8080, endpoints)
  return `### ${name}\n\n\`\`\`${name === 'Sluice' ? 'yaml' : 'text'}\n${text}\`\`\`\n`
}

function ms(value: number): string {
  if (Number.isNaN(value)) return 'no answer'
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ms`
}
