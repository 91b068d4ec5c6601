import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { withTables } from '../../bench/docs.ts'
import { withoutPaths } from '../../bench/machine.ts'
import { machinesOf } from '../../bench/machines.ts'
import { MODES } from '../../bench/modes.ts'
import { markdown, type Report } from '../../bench/report.ts'
import { keptReports, withReports } from '../../bench/results.ts'
import { summary } from '../../bench/summary.ts'

const sample = (cpuUs: number | undefined, peakMiB: number) => ({
  cpuUs,
  busy: 0.99,
  rps: 20_000,
  requests: 1,
  errors: 0,
  peakMiB,
})
const pair = (cpuUs: number | undefined, peakMiB = 0) => ({ sample: sample(cpuUs, peakMiB), beside: sample(20, 0) })
const REPORT: Report = {
  title: 'Two peers',
  command: 'npm run bench',
  date: '2030-01-02',
  machine: 'a machine',
  loadBefore: 0.123,
  seconds: 5,
  rounds: 3,
  peers: ['nginx', 'slow', 'dead', 'absent'].map((name) => ({ name, about: `about ${name}` })),
  versions: { nginx: '1.2.3' },
  reference: 'nginx',
  required: [],
  rows: [
    summary('nginx', 'small', [pair(20, 12), pair(20, 11)], [{ rate: 500, p50: 0.4, p99: 1.25, late: 1, errors: 0 }]),
    summary('slow', 'small', [pair(50, 100)], [{ rate: 500, p50: Number.NaN, p99: Number.NaN, late: 1, errors: 9 }]),
    summary('dead', 'small', [pair(undefined)], []),
  ],
  more: [],
  skipped: [{ peer: 'absent', why: 'not installed' }],
}

describe('report', () => {
  const text = markdown(REPORT)

  it('has a line for each peer, with the ratio to the reference', () => {
    expect(text.split('\n').filter((line) => line.startsWith('|'))).toEqual([
      '| peer | CPU µs per request | to nginx | difference µs | requests/s | core busy | p50 ms at 500/s | p99 ms at 500/s | peak MiB | errors |',
      '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
      '| nginx | 20.0 | 1.00x | +0.0 | 20000 | 99 % | 0.40 | 1.25 | 12 | 0 |',
      '| slow | 50.0 | 2.50x | +30.0 | 20000 | 99 % | – | – | 100 | 9 |',
      '| dead | – | – | – | 20000 | 99 % | – | – | 0 | 0 |',
    ])
  })

  it('says what ran, from which command, and what was left out', () => {
    expect(text).toMatch(
      'By `npm run bench` on 2030-01-02: a machine. Load average before: 0.12. Medians of 3 rounds of 5 s; ratios are medians of quotients within a round.',
    )
    expect(text).toMatch('- `nginx` 1.2.3: about nginx')
    expect(text).toMatch('## Left out\n\n- absent: not installed')
    expect(text).not.toMatch('about absent')
  })

  it('keeps folders of the machine out', () => {
    const why = 'ended: open() "/var/bench-1/nginx.conf" failed; see http://nginx.org/en/ and application/json'
    expect(withoutPaths(why)).toBe('ended: open() "…" failed; see http://nginx.org/en/ and application/json')
  })
})

describe('docs/benchmarks.md', () => {
  const url = (path: string): URL => new URL(`../../../${path}`, import.meta.url)
  const docs = readFileSync(url('docs/benchmarks.md'), 'utf8')

  it.each(MODES)('has a place for the results of $name', ({ name }) => {
    expect(withTables(docs, name, 'x')).toMatch(`<!-- results: ${name} -->\n\nx\n\n<!-- end of results: ${name} -->`)
  })

  it('shows the results that are kept, and on which machines they were taken', async () => {
    const kept = await keptReports()
    expect(Object.keys(kept)).toEqual(expect.arrayContaining(['peers', 'workers', 'routes']))
    expect(docs).toBe(withReports(docs, kept))
  })

  it('says which tables are not to be compared with which', () => {
    const other = { ...REPORT, machine: 'another machine', date: '2030-01-03', warmUp: 5 }
    const text = machinesOf({ peers: { ...REPORT, warmUp: 5 }, workers: other, costs: REPORT })
    expect(text.split('\n')).toEqual([
      '- a machine: `peers` (2030-01-02), `costs` (2030-01-02, by an earlier method)',
      '- another machine: `workers` (2030-01-03)',
      '',
      expect.stringMatching(/^Figures of different machines are not to be compared/),
      '',
      expect.stringMatching(/^By the earlier method/),
    ])
    expect(machinesOf({ workers: other })).toBe('- another machine: `workers` (2030-01-03)')
  })

  it('is refused without that place', () => {
    expect(() => withTables('no markers', 'peers', 'x')).toThrow(/no place for the results of peers/)
  })
})
