import { tableOf } from '../bench/report.ts'
import type { FuzzResult } from './fuzz.ts'

/** How a result came about. */
export interface Circumstances {
  readonly command: string
  readonly date: string
  readonly commit: string
  readonly machine: string
  readonly seconds: number
}

/** What a run found, in Markdown. */
export function resultBlock(result: FuzzResult, { command, commit, date, machine, seconds }: Circumstances): string {
  const { cases, counts, differences, kinds } = result
  const lines = Object.entries(counts).map(([name, count]) => [name, String(count)])
  const made = Object.entries(kinds ?? {}).map(([kind, count]) => `${kind} ${count}`)
  return [
    `By \`${command}\` on ${date} at commit ${commit}, in ${Math.ceil(seconds / 60)} min: ${machine}.`,
    tableOf(
      ['', 'count'],
      [['cases', String(cases)], ...lines, ['differences that must not be', String(differences.length)]],
    ),
    ...(made.length === 0 ? [] : [`Inputs with each kind of fault: ${made.join(', ')}.`]),
  ].join('\n\n')
}
