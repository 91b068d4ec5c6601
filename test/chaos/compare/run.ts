/**
 * `npm run chaos:compare -- [CASE…] [--rounds N]`: the same load and the same faults for Sluice, nginx and HAProxy, turn by
 * turn. With every case and at least three rounds it writes docs/failure-comparison.md. Exit code 1: where nothing fails, the p99
 * of Sluice is more than 1 ms above nginx's.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { calmTable, calmVerdicts } from './calm.ts'
import { CASES } from './cases.ts'
import { CONTENDERS } from './gateways.ts'
import { type Figures, measure, medians } from './measure.ts'
import { comparisonPage, PAGE, type Row, tableOf } from './page.ts'

const FEWEST_ROUNDS = 3

const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: 'string' } } })
const rounds = Number(values.rounds ?? FEWEST_ROUNDS)
const contenders = CONTENDERS.filter(({ name, version }) => {
  if (version() !== undefined) return true
  process.stderr.write(`${name} is not installed; scripts/install-system-deps.sh installs it\n`)
  return false
})
const cases = CASES.filter(({ scenario }) => positionals.length === 0 || positionals.includes(scenario.name))
const rows: Row[] = []
for (const one of cases) {
  const seen = new Map<string, Figures[]>()
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const list = seen.get(contender.name) ?? []
      list.push(await measure(one, contender, 'full'))
      seen.set(contender.name, list)
    }
  }
  const row = { about: one, figures: new Map([...seen].map(([name, list]) => [name, medians(list)])) }
  rows.push(row)
  process.stdout.write(`${one.scenario.name}: ${one.scenario.title}\n\n${tableOf(row)}\n\n`)
}
const calm = calmVerdicts(rows)
process.stdout.write(`${calmTable(calm)}\n`)
if (calm.some(({ holds }) => !holds)) process.exitCode = 1
const whole = positionals.length === 0 && rounds >= FEWEST_ROUNDS && contenders.length === CONTENDERS.length
if (whole) writeFileSync(PAGE, comparisonPage(rows, rounds))
