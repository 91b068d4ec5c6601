import { tableOf } from '../../bench/report.ts'
import type { Row } from './page.ts'

/** By so much the p99 of a gateway at ease may be above nginx's. */
const MOST_ABOVE_MS = 1

export interface CalmVerdict {
  readonly name: string
  /** p99 before the fault, ms. */
  readonly sluice: number
  readonly nginx: number
  readonly holds: boolean
}

/** Of each case in which both ran. */
export function calmVerdicts(rows: readonly Row[]): CalmVerdict[] {
  return rows.flatMap(({ about, figures }) => {
    const [sluice, nginx] = ['Sluice', 'nginx'].map((name) => figures.get(name)?.calmP99)
    if (sluice === undefined || nginx === undefined) return []
    return [{ name: about.scenario.name, sluice, nginx, holds: sluice <= nginx + MOST_ABOVE_MS }]
  })
}

export function calmTable(verdicts: readonly CalmVerdict[]): string {
  return tableOf(
    ['p99 before the fault', 'Sluice', 'nginx', `at most nginx's + ${MOST_ABOVE_MS} ms`],
    verdicts.map(({ holds, name, nginx, sluice }) => [
      `\`${name}\``,
      `${sluice.toFixed(1)} ms`,
      `${nginx.toFixed(1)} ms`,
      holds ? 'yes' : '**no**',
    ]),
  )
}
