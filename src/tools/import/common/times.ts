const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** nginx's time such as `30`, `30s`, `1m` or `1m30s` in milliseconds; undefined: none, or 0. */
export function millisecondsOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d+(ms|s|m|h|d)?)+$/.test(text)) return undefined
  const parts = [...text.matchAll(/(\d+)(ms|s|m|h|d)?/g)]
  return parts.reduce((sum, [, digits, unit = 's']) => sum + Number(digits) * (UNITS[unit] as number), 0) || undefined
}

/** The same as a duration. */
export function durationOf(text: string | undefined): string | undefined {
  const time = millisecondsOf(text)
  return time === undefined ? undefined : inUnits(time)
}

export function inUnits(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}
