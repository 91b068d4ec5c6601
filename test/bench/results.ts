import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withTables } from './docs.ts'
import { markdown, type Report } from './report.ts'

const RESULTS = fileURLToPath(new URL('results/', import.meta.url))
const DOCS = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url))

/** Writes NAME.json and NAME.md; into the repository's own results, and then also the tables of docs/benchmarks.md. */
export async function keep(name: string, report: Report, out: string | undefined): Promise<void> {
  const folder = out ?? RESULTS
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`)
  await writeFile(join(folder, `${name}.md`), `# ${report.title}\n\n${markdown(report)}\n`)
  if (out === undefined) await writeFile(DOCS, withTables(await readFile(DOCS, 'utf8'), name, markdown(report, 3)))
}
