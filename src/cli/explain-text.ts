import type { Position } from '../schema/node.ts'
import { answerText } from '../tools/explain/decision.ts'
import type { Explanation } from '../tools/explain/explain.ts'
import type { NearMiss } from '../tools/explain/misses.ts'
import type { ActingPolicy } from '../tools/explain/policies.ts'
import type { ReachedUpstream } from '../tools/explain/reach.ts'
import { columns } from './columns.ts'

type Row = readonly string[]

/** Of a value; `--json` has all of it. */
const MOST_CHARS = 72

/** An explanation for people. */
export function explanationText({
  answer,
  forward,
  nearMisses,
  policies,
  request,
  route,
  upstreams,
}: Explanation): string {
  const head: Row[] = [
    ['request', `${request.method} ${request.host}${request.path}${request.query}`],
    ['client', `${request.client}${request.trusted ? ', a trusted peer' : ''}`],
    ['route', route === undefined ? 'none' : `${route.name}  ${place(route.at)}`],
    ...Object.entries(route?.params ?? {}).map(([name, value]) => ['', `{${name}} = ${value}`]),
  ]
  if (answer !== undefined) {
    head.push(['answer', answerText(answer)])
    if (answer.detail !== undefined) head.push(['', answer.detail])
    for (const [name, value] of answer.headers) head.push(['', `${name}: ${value}`])
  }
  if (forward !== undefined) {
    head.push(['forwards', `${forward.method} ${forward.target}`])
    head.push(['', `host: ${forward.host ?? '(the endpoint’s own)'}`])
    for (const [name, value] of forward.added) head.push(['', `+ ${name}: ${value}`])
    for (const name of forward.removed) head.push(['', `- ${name}`])
  }
  return (
    columns(head, 0) +
    section('upstreams', upstreams.flatMap(upstreamRows)) +
    section('policies, in order', atFirst(policies).flatMap(policyRows)) +
    section('other routes, the nearest first', nearMisses.map(missRow))
  )
}

function section(title: string, rows: readonly Row[]): string {
  return rows.length === 0 ? '' : `\n${title}\n${columns(rows, 2)}`
}

function upstreamRows({ algorithm, at, discovered, endpoints, name, role, share }: ReachedUpstream): readonly Row[] {
  const part = role === 'failover' ? 'failover' : `${Math.round(share * 1000) / 10}%`
  const rows = endpoints.map(({ tier, url, weight, zone }) => [
    '',
    url,
    `tier ${tier}, weight ${weight}${zone === undefined ? '' : `, zone ${zone}`}`,
  ])
  const found = discovered === undefined ? [] : [['', discovered, 'found while the gateway runs']]
  return [[name, part, algorithm, place(at)], ...rows, ...found]
}

/** One that acts at several places is told at its first. */
function atFirst(policies: readonly ActingPolicy[]): readonly ActingPolicy[] {
  return policies.filter(({ name }, i) => policies.findIndex((one) => one.name === name) === i)
}

function policyRows({ name, values }: ActingPolicy): readonly Row[] {
  return values.map(({ at, key, source, value }) => [
    key === '' ? name : `${name}.${key}`,
    value.length > MOST_CHARS ? `${value.slice(0, MOST_CHARS - 1)}…` : value,
    source,
    at === undefined ? '' : place(at),
  ])
}

export function missRow({ at, failed, route, seen, wanted }: NearMiss): Row {
  const why = failed === 'outranked' ? `${seen}; ${wanted} comes first` : `wants ${wanted}; seen ${seen}`
  return [route, failed, why, place(at)]
}

export function place({ column, file, line }: Position): string {
  return `${file}:${line}:${column}`
}
