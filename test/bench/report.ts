import { cpus, totalmem } from 'node:os'
import type { BenchResult } from './bench.ts'
import type { Peer, Row } from './contract.ts'

/** A bound on the quotient of two peers' CPU a request in one scenario. */
export interface Bound {
  readonly peer: string
  readonly to: string
  readonly scenario: string
  readonly atMost: number
}

export interface Report {
  readonly title: string
  readonly date: string
  readonly machine: string
  readonly node: string
  readonly seconds: number
  readonly rounds: number
  readonly peers: readonly Pick<Peer, 'name' | 'about'>[]
  /** The peer that ratios refer to. */
  readonly reference: string
  readonly bounds: readonly (Bound & { readonly measured: number; readonly holds: boolean })[]
  readonly rows: readonly Row[]
  readonly skipped: BenchResult['skipped']
}

export function machine(): string {
  const [first, ...others] = cpus()
  return `${first?.model.trim()}, ${others.length + 1} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`
}

/** Bounds of which both sides were measured. */
export function judge(bounds: readonly Bound[], rows: readonly Row[]): Report['bounds'] {
  return bounds.flatMap((bound) => {
    const cpu = (peer: string): number | undefined =>
      rows.find((row) => row.peer === peer && row.scenario === bound.scenario)?.cpuUs
    const [one, other] = [cpu(bound.peer), cpu(bound.to)]
    if (one === undefined || other === undefined) return []
    const measured = one / other
    return [{ ...bound, measured, holds: measured <= bound.atMost }]
  })
}

export function markdown(report: Report): string {
  const { title, date, machine, node, seconds, rounds, peers, skipped, bounds } = report
  const scenarios = [...new Set(report.rows.map(({ scenario }) => scenario))]
  return [
    `# ${title}`,
    `${date}, ${machine}, Node ${node}. Medians of ${rounds} interleaved rounds of ${seconds} s. See docs/benchmarks.md.`,
    peers.map(({ name, about }) => `- \`${name}\`: ${about}`).join('\n'),
    ...scenarios.map((scenario) => table(report, scenario)),
    ...(bounds.length === 0 ? [] : [`## Required, CPU a request\n\n${bounds.map(verdict).join('\n')}`]),
    ...(skipped.length === 0
      ? []
      : [`## Left out\n\n${skipped.map(({ peer, why }) => `- ${peer}: ${why}`).join('\n')}`]),
    '',
  ].join('\n\n')
}

function table({ rows, reference }: Report, scenario: string): string {
  const own = rows.filter((row) => row.scenario === scenario)
  const base = own.find(({ peer }) => peer === reference)?.cpuUs
  const rate = own[0]?.latency?.rate
  const paced = rate === undefined ? '' : ` p50 at ${rate}/s | p99 at ${rate}/s |`
  const lines = own.map(({ peer, cpuUs, rps, latency, rssMiB, errors }) => {
    const ratio = base === undefined ? '' : (cpuUs / base).toFixed(2)
    const times = latency && ` ${latency.p50.toFixed(2)} ms | ${latency.p99.toFixed(2)} ms |`
    return `| ${peer} | ${cpuUs.toFixed(1)} | ${ratio} | ${rps.toFixed(0)} |${times ?? ''} ${rssMiB.toFixed(0)} | ${errors} |`
  })
  return [
    `## ${scenario}\n`,
    `| peer | CPU µs a request | to ${reference} | requests/s |${paced} RSS MiB | errors |`,
    `|---|---:|---:|---:|${rate === undefined ? '' : '---:|---:|'}---:|---:|`,
    ...lines,
  ].join('\n')
}

function verdict({ peer, to, scenario, atMost, measured, holds }: Report['bounds'][number]): string {
  const word = holds ? 'holds' : '**does not hold**'
  return `- ${scenario}: ${peer} to ${to} ${measured.toFixed(2)}, at most ${atMost.toFixed(2)}: ${word}`
}
