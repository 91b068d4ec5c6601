/**
 * `npm run soak -- [--minutes N] [--write]`: half of the load that this machine can take, for 30 minutes, with everything that
 * happens to a gateway meanwhile. Judges memory, bookkeeping and each failure; `--write` puts result and picture into the docs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { withTables } from '../bench/docs.ts'
import { machine } from '../bench/machine.ts'
import { judge, verdictTable } from './judge.ts'
import { EXPLAINED } from './ledger.ts'
import { picture } from './picture.ts'
import { soak } from './soak.ts'

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url))
const RESULT = fileURLToPath(new URL('../bench/results/soak.json', import.meta.url))
const MOST_MINUTES = 240

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, write: { type: 'boolean', default: false } },
})
const minutes = Number(values.minutes)
if (!(minutes >= 1 && minutes <= MOST_MINUTES)) throw new Error(`--minutes: from 1 to ${MOST_MINUTES}`)

const ended = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => ended.abort())
const [loadBefore = 0] = loadavg()
const { events, facts, ledger, rate, said, unexplained } = await soak(
  minutes,
  (line) => process.stderr.write(`${line}\n`),
  ended.signal,
)
const verdicts = judge(facts)
const date = new Date().toISOString().slice(0, 10)
const count = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .map(([name, times]) => `${name} ${times}`)
    .join(', ')
const times = (event: string): number => events.filter((one) => one.event === event).length
const block = `![Memory and load of the soak](images/soak.svg)

By \`npm run soak -- --minutes ${minutes} --write\` on ${date}: ${machine()}. Load average before: ${loadBefore.toFixed(2)}. ${rate} short requests per second.

${verdictTable(verdicts)}

- Begun: ${count(ledger.begun)}.
- What clients saw: ${count(ledger.outcomes)}.
- Failures, each explained by what was done: ${Object.keys(ledger.explained).length === 0 ? 'none' : count(ledger.explained)}.
- Done: reload ${times('reload')}, endpoint down ${times('endpoint down')}, worker ended ${times('worker ended')}.`
process.stdout.write(`${block}\n\nA failure is explained by:\n`)
for (const { event, why } of EXPLAINED) process.stdout.write(`- ${event}: ${why}\n`)
for (const failure of unexplained) process.stdout.write(`unexplained: ${JSON.stringify(failure)}\n`)
if (verdicts.some(({ holds }) => holds === false)) process.stdout.write(`The gateway said at the end:\n${said}\n`)
if (values.write) {
  const { samples, ...figures } = facts
  writeFileSync(
    RESULT,
    `${JSON.stringify({ date, machine: machine(), rate, ...figures, ...ledger, events, samples })}\n`,
  )
  writeFileSync(
    `${DOCS}images/soak.svg`,
    picture(
      samples,
      events,
      `${minutes} minutes at half load: ${rate} short requests per second, and what else there was`,
    ),
  )
  writeFileSync(`${DOCS}benchmarks.md`, withTables(readFileSync(`${DOCS}benchmarks.md`, 'utf8'), 'soak', block))
}
process.exit(verdicts.some(({ holds }) => holds === false) ? 1 : 0)
