import type { Report } from './report.ts'

/** Name of the place on the page that says which tables were taken on which machine. */
export const MACHINES = 'machines'

/** One line per machine, with its tables: figures of two machines are not to be compared. */
export function machinesOf(reports: Readonly<Record<string, Report>>): string {
  const machines = new Map<string, string[]>()
  for (const [name, { date, machine, warmUp }] of Object.entries(reports)) {
    const tables = machines.get(machine) ?? []
    tables.push(`\`${name}\` (${date}${warmUp === undefined ? ', by an earlier method' : ''})`)
    machines.set(machine, tables)
  }
  const lines = [...machines].map(([machine, tables]) => `- ${machine}: ${tables.join(', ')}`)
  const earlier = Object.values(reports).some(({ warmUp }) => warmUp === undefined)
  return [
    lines.join('\n'),
    ...(machines.size > 1
      ? ['Figures of different machines are not to be compared, ratios neither: compare within a table.']
      : []),
    ...(earlier
      ? [
          'By the earlier method each launch was asked for 8 s, before 2026-11-26 each peer was launched once and asked for 4 s.',
        ]
      : []),
  ].join('\n\n')
}
