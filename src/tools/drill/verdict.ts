import { quantile } from './run.ts'
import { type Expectation, holds, type Scenario } from './scenario.ts'

/** One expectation beside what was seen. */
export interface DrillVerdict {
  readonly what: string
  readonly expected: string
  readonly seen: string
  readonly kind: 'count' | 'time'
  readonly ok: boolean
}

/** Judges the runs of a scenario: counts by the worst run, times by the median. */
export function judge<S>(scenario: Scenario<S>, runs: readonly S[]): DrillVerdict[] {
  return scenario.expected.map((expectation) => {
    const values = runs.map(expectation.measure)
    const bad = values.find((value) => !holds(expectation, value))
    const worst = expectation.bound === 'least' ? Math.min(...values) : Math.max(...values)
    const value = expectation.kind === 'time' ? quantile(values, 0.5) : (bad ?? worst)
    return {
      what: expectation.what,
      expected: expectedText(expectation),
      seen: withUnit(rounded(value), expectation.unit),
      kind: expectation.kind,
      ok: holds(expectation, value),
    }
  })
}

/** Such as `at most 0.1 %`. */
export function expectedText<S>({ limit, bound, unit }: Expectation<S>): string {
  const value = withUnit(String(limit), unit)
  return bound === 'exactly' ? value : `at ${bound} ${value}`
}

/** Lines for people, one per expectation. */
export function verdictLines(verdicts: readonly DrillVerdict[]): string {
  const width = Math.max(...verdicts.map(({ what }) => what.length))
  const wide = Math.max(...verdicts.map(({ expected }) => expected.length))
  return verdicts
    .map(({ what, expected, seen, ok }) => {
      return `  ${ok ? 'ok ' : 'NOT'}  ${what.padEnd(width)}  expected ${expected.padEnd(wide)}  seen ${seen}\n`
    })
    .join('')
}

function withUnit(value: string, unit: string): string {
  return unit === '' ? value : `${value} ${unit}`
}

function rounded(value: number): string {
  if (Number.isInteger(value)) return String(value)
  return value.toFixed(Math.abs(value) >= 100 ? 0 : 2)
}
