import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withTables } from './docs.ts'
import { MACHINES, machinesOf } from './machines.ts'
import { MODES } from './modes.ts'
import { markdown, type Report } from './report.ts'

const RESULTS = fileURLToPath(new URL('results/', import.meta.url))
const DOCS = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url))
/** Modes that have a place on the page. */
const KEPT: readonly string[] = [...MODES.map(({ name }) => name), 'against']

/** Writes NAME.json and NAME.md; into the repository's own results, and then also docs/benchmarks.md. */
export async function keep(
  name: string,
  report: Report,
  out: string | undefined,
  say: (line: string) => void,
): Promise<void> {
  const folder = out ?? RESULTS
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`)
  await writeFile(join(folder, `${name}.md`), `# ${report.title}\n\n${markdown(report)}\n`)
  if (out !== undefined) return
  const kept = await keptReports()
  await writeFile(DOCS, withReports(await readFile(DOCS, 'utf8'), kept))
  const others = Object.keys(kept).filter((other) => kept[other]?.machine !== report.machine)
  if (others.length > 0) say(`taken on another machine, not to be compared with this: ${others.join(', ')}`)
}

/** What the repository keeps, by mode. */
export async function keptReports(): Promise<Readonly<Record<string, Report>>> {
  const kept: Record<string, Report> = {}
  for (const name of KEPT) {
    const file = join(RESULTS, `${name}.json`)
    if (existsSync(file)) kept[name] = JSON.parse(await readFile(file, 'utf8')) as Report
  }
  return kept
}

/** The page with the tables of these reports, and on which machines they were taken. */
export function withReports(page: string, reports: Readonly<Record<string, Report>>): string {
  const tables = Object.entries(reports).reduce(
    (text, [name, report]) => withTables(text, name, markdown(report, 3)),
    page,
  )
  return withTables(tables, MACHINES, machinesOf(reports))
}
