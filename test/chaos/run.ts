/**
 * `npm run chaos -- [SCENARIO…] [--short] [--runs N] [--docs]`: runs failure scenarios against real gateway processes and
 * prints what is expected beside what was seen. Exit code 1 when something differs. `--docs` writes docs/failure-modes.md
 * instead.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { verdictLines } from '../../src/tools/drill/verdict.ts'
import { CATALOGUE } from './catalogue.ts'
import { failureModesPage, PAGE } from './page.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean' }, docs: { type: 'boolean' }, runs: { type: 'string' } },
})

async function runAll(): Promise<boolean> {
  const chosen = CATALOGUE.filter(({ about }) => positionals.length === 0 || positionals.includes(about.name))
  const unknown = positionals.filter((name) => !CATALOGUE.some(({ about }) => about.name === name))
  if (unknown.length > 0) throw new Error(`no scenario ${unknown.join(', ')}`)
  let differing = 0
  for (const { about, run } of chosen) {
    process.stdout.write(`${about.name}: ${about.title}\n`)
    const runs = values.runs === undefined ? (about.runs ?? 1) : Number(values.runs)
    const verdicts = await run(values.short === true ? 'short' : 'full', runs)
    process.stdout.write(verdictLines(verdicts))
    differing += verdicts.filter(({ ok }) => !ok).length
  }
  process.stdout.write(differing === 0 ? 'all as expected\n' : `${differing} not as expected\n`)
  return differing === 0
}

if (values.docs === true) writeFileSync(PAGE, failureModesPage())
else if (!(await runAll())) process.exitCode = 1
