/** `npm run fuzz:http1 -- WHAT…`, see docs/fuzzing.md. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { withTables } from '../bench/docs.ts'
import { machine } from '../bench/machine.ts'
import { fuzzAnswers } from './answers.ts'
import { differential } from './differential.ts'
import type { FuzzOptions, FuzzResult } from './fuzz.ts'
import { fuzzRequests } from './requests.ts'
import { resultBlock } from './result-block.ts'

const PAGE = fileURLToPath(new URL('../../docs/fuzzing.md', import.meta.url))
const FUZZERS: Readonly<Record<string, (options: FuzzOptions & { sockets: boolean }) => Promise<FuzzResult>>> = {
  requests: fuzzRequests,
  answers: fuzzAnswers,
  differential,
}
const PROGRESS_MS = 5_000
const SHOWN = 10

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    cases: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    sockets: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const names = positionals.length === 0 ? Object.keys(FUZZERS) : positionals
const [cases, seed] = [Number(values.cases), Number(values.seed)]
if (![cases, seed].every((value) => Number.isSafeInteger(value) && value > 0))
  throw new Error('--cases and --seed are whole numbers above 0')
const unknown = names.find((name) => !Object.hasOwn(FUZZERS, name))
if (unknown !== undefined) throw new Error(`no ${unknown}; there are ${Object.keys(FUZZERS).join(', ')}`)

// Before the run: a tree may move on meanwhile.
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
for (const name of names) {
  const startedAt = performance.now()
  let toldAt = startedAt
  const progress = (done: number): void => {
    const now = performance.now()
    if (now - toldAt < PROGRESS_MS) return
    toldAt = now
    const left = Math.ceil(((cases - done) / done) * ((now - startedAt) / 60_000))
    process.stderr.write(`${name}: ${done} of ${cases}, about ${left} min left\n`)
  }
  const result = await (FUZZERS[name] as (typeof FUZZERS)[string])({ cases, seed, progress, sockets: values.sockets })
  const command = `npm run fuzz:http1 -- ${name} --cases ${cases} --seed ${seed}${values.sockets ? ' --sockets' : ''}`
  const block = resultBlock(result, {
    command,
    date: new Date().toISOString().slice(0, 10),
    commit,
    machine: machine(),
    seconds: (performance.now() - startedAt) / 1000,
  })
  process.stdout.write(`${block}\n\n`)
  for (const one of result.differences.slice(0, SHOWN)) process.stdout.write(`${JSON.stringify(one)}\n`)
  if (values.write) writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8'), name, block))
  if (result.differences.length > 0) process.exitCode = 1
}
process.exit()
