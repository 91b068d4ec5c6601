import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArgs, USAGE, type Wanted } from './args.ts'
import { bench } from './bench.ts'
import { judge, machine, markdown, type Report } from './report.ts'

const RESULTS = fileURLToPath(new URL('results/', import.meta.url))

async function main(wanted: Wanted): Promise<void> {
  const { mode, seconds, rounds } = wanted
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  try {
    const { rows, skipped } = await bench({
      ...wanted,
      latency: mode.latency,
      folder,
      progress: (line) => process.stderr.write(`${line}\n`),
    })
    const report: Report = {
      title: mode.title,
      date: new Date().toISOString().slice(0, 10),
      machine: machine(),
      node: process.version,
      seconds,
      rounds,
      peers: wanted.peers.map(({ name, about }) => ({ name, about })),
      reference: mode.reference,
      bounds: judge(mode.bounds, rows),
      rows,
      skipped,
    }
    await mkdir(RESULTS, { recursive: true })
    await writeFile(join(RESULTS, `${mode.name}.json`), `${JSON.stringify(report, undefined, 2)}\n`)
    await writeFile(join(RESULTS, `${mode.name}.md`), markdown(report))
    process.stdout.write(markdown(report))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

let wanted: Wanted | undefined
try {
  wanted = readArgs(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${USAGE}`)
  process.exitCode = 64
}
if (wanted !== undefined) await main(wanted)
