import type { Row } from './contract.ts'

/** What must hold: a bound on the quotient of two peers' CPU per request in one scenario, each taken beside the reference. */
export interface Bound {
  readonly peer: string
  readonly to: string
  readonly scenario: string
  readonly atMost: number
}

export interface Verdict {
  /** What is compared with what. */
  readonly what: string
  readonly scenario: string
  readonly atMost: number
  /** Undefined: one side gave no answer, or was not run. */
  readonly measured: number | undefined
  /** Why the quotient says nothing, although there may be one. */
  readonly invalid: string | undefined
  readonly holds: boolean
}

/** Never holds without a number, or with a reason not to believe it. */
export function verdict(
  bound: Pick<Verdict, 'what' | 'scenario' | 'atMost'>,
  measured: number | undefined,
  why?: string,
): Verdict {
  const invalid = measured === undefined || !Number.isFinite(measured) ? 'not measured' : why
  return { ...bound, measured, invalid, holds: invalid === undefined && (measured as number) <= bound.atMost }
}

/** A side that was not measured, or that had errors, makes a bound that does not hold. */
export function judge(bounds: readonly Bound[], rows: readonly Row[]): Verdict[] {
  return bounds.map(({ peer, to, scenario, atMost }) => {
    const sides = [peer, to].map((name) => rows.find((row) => row.peer === name && row.scenario === scenario))
    const [one, other] = sides.map((row) => row?.ratio)
    const measured = one === undefined || other === undefined ? undefined : one / other
    const errors = sides.some((row) => row?.errors !== 0)
    return verdict(
      { what: `CPU per request, ${peer} to ${to}`, scenario, atMost },
      measured,
      errors ? 'errors' : undefined,
    )
  })
}

/** Required, measured, holds: one line each. Empty without verdicts. */
export function requiredTable(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return ''
  return [
    '| what | scenario | required | measured | holds |',
    '|---|---|---:|---:|---|',
    ...verdicts.map(({ what, scenario, atMost, measured, invalid, holds }) => {
      const value = measured === undefined ? '–' : `${measured.toFixed(2)}x`
      const word = holds ? 'yes' : invalid === undefined ? '**no**' : `**no**: ${invalid}`
      return `| ${what} | ${scenario} | at most ${atMost.toFixed(2)}x | ${value} | ${word} |`
    }),
  ].join('\n')
}
