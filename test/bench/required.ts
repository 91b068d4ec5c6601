import type { Row } from './contract.ts'

/** A bar must hold; an aim is what is worked for, and stands there so that the distance to it is seen. */
export type Kind = 'bar' | 'aim'

/** What is compared of two peers: CPU per request, each taken beside the reference; its difference in µs; p99 at the fixed rate. */
export type Measure = 'cpu' | 'cpu µs' | 'p99'

/** A bound on the quotient of two peers in one scenario; on the difference where that is measured. */
export interface Bound {
  readonly peer: string
  readonly to: string
  readonly scenario: string
  readonly atMost: number
  readonly kind: Kind
  /** Default: cpu. */
  readonly of?: Measure
}

export interface Verdict {
  /** What is compared with what. */
  readonly what: string
  readonly scenario: string
  readonly atMost: number
  readonly kind: Kind
  /** Of `atMost` and of what is measured. */
  readonly unit: 'x' | ' µs'
  /** Undefined: one side gave no answer, or was not run. */
  readonly measured: number | undefined
  /** Why the quotient says nothing, although there may be one. */
  readonly invalid: string | undefined
  readonly holds: boolean
}

/** Never holds without a number, or with a reason not to believe it. */
export function verdict(
  bound: Pick<Verdict, 'what' | 'scenario' | 'atMost'> & Partial<Pick<Verdict, 'kind' | 'unit'>>,
  measured: number | undefined,
  why?: string,
): Verdict {
  const invalid = measured === undefined || !Number.isFinite(measured) ? 'not measured' : why
  return {
    kind: 'bar',
    unit: 'x',
    ...bound,
    measured,
    invalid,
    holds: invalid === undefined && (measured as number) <= bound.atMost,
  }
}

/** A side that was not measured, or that had errors, makes a bound that does not hold. */
export function judge(bounds: readonly Bound[], rows: readonly Row[]): Verdict[] {
  return bounds.map(({ peer, to, scenario, atMost, kind, of = 'cpu' }) => {
    const sides = [peer, to].map((name) => rows.find((row) => row.peer === name && row.scenario === scenario))
    const [one, other] = sides
    const measured = one && other && MEASURES[of].measured(one, other)
    const errors = sides.some((row) => row?.errors !== 0 || (of === 'p99' && row.latency?.errors !== 0))
    const { unit, what } = MEASURES[of]
    return verdict(
      { what: `${what}, ${peer} to ${to}`, scenario, atMost, kind, unit },
      measured,
      errors ? 'errors' : undefined,
    )
  })
}

const MEASURES: Readonly<
  Record<Measure, { what: string; unit: Verdict['unit']; measured: (one: Row, other: Row) => number | undefined }>
> = {
  cpu: { what: 'CPU per request', unit: 'x', measured: (one, other) => quotient(one.ratio, other.ratio) },
  'cpu µs': {
    what: 'CPU per request, difference',
    unit: ' µs',
    // By the quotient, whose sides stood beside one another, as a share of the other's cost.
    measured: (one, other) => {
      const ratio = quotient(one.ratio, other.ratio)
      return ratio === undefined || other.cpuUs === undefined ? undefined : (ratio - 1) * other.cpuUs
    },
  },
  p99: {
    what: 'p99 at the fixed rate',
    unit: 'x',
    measured: (one, other) => quotient(one.latency?.p99, other.latency?.p99),
  },
}

function quotient(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one / other
}

/** Required, measured, holds: one line each. Empty without verdicts. */
export function requiredTable(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return ''
  return [
    '| what | scenario | kind | at most | measured | holds |',
    '|---|---|---|---:|---:|---|',
    // Reports of before have no aims.
    ...verdicts.map(({ what, scenario, atMost, kind = 'bar', unit = 'x', measured, invalid, holds }) => {
      const value = measured === undefined ? '–' : `${measured.toFixed(2)}${unit}`
      const word = holds ? 'yes' : invalid === undefined ? '**no**' : `**no**: ${invalid}`
      return `| ${what} | ${scenario} | ${kind} | ${atMost.toFixed(2)}${unit} | ${value} | ${word} |`
    }),
  ].join('\n')
}
