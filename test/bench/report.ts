import type { BenchResult } from './bench.ts'
import type { Peer, Row } from './contract.ts'
import { requiredTable, type Verdict } from './required.ts'

export interface Report {
  readonly title: string
  /** The command that makes it again. */
  readonly command: string
  readonly date: string
  readonly machine: string
  /** Load average of the minute before: what else the machine had to do. */
  readonly loadBefore: number
  readonly seconds: number
  readonly rounds: number
  /** Seconds that each launch was asked before; undefined: by the method of before 2026-11-26. */
  readonly warmUp?: number
  readonly peers: readonly Pick<Peer, 'name' | 'about'>[]
  readonly versions: BenchResult['versions']
  /** The peer that ratios refer to. */
  readonly reference: string
  readonly required: readonly Verdict[]
  readonly rows: readonly Row[]
  /** Further tables: heading and Markdown. */
  readonly more: readonly { readonly heading: string; readonly text: string }[]
  readonly skipped: BenchResult['skipped']
}

/** The whole report; `level`: of its headings. */
export function markdown(report: Report, level = 2): string {
  const { date, machine, loadBefore, seconds, rounds, warmUp, peers, versions, skipped, required, more, command } =
    report
  const warm = warmUp === undefined ? '' : `, each after ${warmUp} s of requests`
  const scenarios = [...new Set(report.rows.map(({ scenario }) => scenario))]
  const section = (heading: string, text: string): string => `${'#'.repeat(level)} ${heading}\n\n${text}`
  return [
    `By \`${command}\` on ${date}: ${machine}. Load average before: ${loadBefore.toFixed(2)}. Medians of ${rounds} rounds of ${seconds} s${warm}; ratios are medians of quotients within a round.`,
    ...(required.length === 0 ? [] : [section('Required', requiredTable(required))]),
    ...scenarios.map((scenario) => section(scenario, table(report, scenario))),
    ...more.map(({ heading, text }) => section(heading, text)),
    section(
      'What ran',
      peers
        .filter(({ name }) => !skipped.some(({ peer }) => peer === name))
        .map(({ name, about }) => `- \`${name}\` ${versions[name] ?? ''}: ${about}`)
        .join('\n'),
    ),
    ...(skipped.length === 0
      ? []
      : [section('Left out', skipped.map(({ peer, why }) => `- ${peer}: ${why}`).join('\n'))]),
  ].join('\n\n')
}

function table({ rows, reference }: Report, scenario: string): string {
  const own = rows.filter((row) => row.scenario === scenario)
  const base = own.find(({ peer }) => peer === reference)?.cpuUs
  const rate = own.find(({ latency }) => latency !== undefined)?.latency?.rate
  const heads = ['peer', 'CPU µs per request', `to ${reference}`, 'difference µs', 'requests/s', 'core busy']
  if (rate !== undefined) heads.push(`p50 ms at ${rate}/s`, `p99 ms at ${rate}/s`)
  heads.push('peak MiB', 'errors')
  const lines = own.map((row) => {
    const { peer, cpuUs, ratio, rps, busy, latency, peakMiB, errors } = row
    const known = ratio !== undefined && base !== undefined
    const cells = [
      peer,
      cpuUs?.toFixed(1) ?? '–',
      known ? `${ratio.toFixed(2)}x` : '–',
      known ? signed((ratio - 1) * base) : '–',
      rps.toFixed(0),
      `${(busy * 100).toFixed(0)} %`,
    ]
    if (rate !== undefined) cells.push(ms(latency?.p50), ms(latency?.p99))
    cells.push(peakMiB.toFixed(0), String(errors + (latency?.errors ?? 0)))
    return cells
  })
  return tableOf(heads, lines)
}

/** Markdown; all columns but the first are numbers. */
export function tableOf(heads: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(heads), `|---|${'---:|'.repeat(heads.length - 1)}`, ...lines.map(line)].join('\n')
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`
}

function ms(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(2)
}
