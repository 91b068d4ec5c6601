/**
 * Runs the test suite again and again beside loops that keep cores busy, and tells which tests failed how often: what fails
 * here and not elsewhere is judged by the time that something took, or by what another thread has not told yet. Exit code
 * 1: a test failed. `node scripts/suite-under-load.ts [--times 3] [--busy 2] [FILTER...]`
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs')

/** What of a report of vitest is read. */
interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

/** A test that failed, in so many of the runs. */
interface Failed {
  times: number
  /** First line of what it said. */
  readonly why: string
}

const { positionals: filters, values } = parseArgs({
  allowPositionals: true,
  options: { times: { type: 'string', default: '3' }, busy: { type: 'string', default: '2' } },
})
const times = Number(values.times)
const started = new Set<ChildProcess>()
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true
    endAll()
  })
}

const folder = await mkdtemp(join(tmpdir(), 'sluice-suite-'))
const failed = new Map<string, Failed>()
const seconds: number[] = []
try {
  for (let i = 0; i < Number(values.busy); i++) start(['-e', 'for (;;);'])
  for (let run = 1; run <= times && !interrupted; run++) {
    const file = join(folder, `${run}.json`)
    const before = performance.now()
    await once(
      start([VITEST, 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${file}`, ...filters]),
      'close',
    )
    seconds.push((performance.now() - before) / 1000)
    if (!interrupted) take(JSON.parse(await readFile(file, 'utf8')) as Report)
    process.stderr.write(
      `run ${run} of ${times}: ${seconds.at(-1)?.toFixed(0)} s, ${failed.size} tests failed so far\n`,
    )
  }
} finally {
  endAll()
  await rm(folder, { recursive: true, force: true })
}
process.stdout.write(table())
process.exitCode = failed.size > 0 || interrupted ? 1 : 0

function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  started.add(child)
  child.on('close', () => started.delete(child))
  return child
}

/** By their ids; vitest ends its own. */
function endAll(): void {
  for (const child of started) child.kill('SIGTERM')
}

function take({ testResults }: Report): void {
  for (const { assertionResults, message, name, status } of testResults) {
    const file = relative(ROOT, name)
    const tests = assertionResults.filter((test) => test.status === 'failed')
    for (const { failureMessages = [], fullName } of tests) count(`${file} > ${fullName}`, failureMessages[0] ?? '')
    // Its imports or hooks.
    if (status === 'failed' && tests.length === 0) count(file, message)
  }
}

function count(test: string, message: string): void {
  const known = failed.get(test)
  if (known !== undefined) known.times++
  else failed.set(test, { times: 1, why: (message.split('\n')[0] ?? '').slice(0, 200) })
}

function table(): string {
  const runs = `${seconds.length} runs beside ${values.busy} busy loops: ${seconds.map((one) => one.toFixed(0)).join(', ')} s\n`
  if (failed.size === 0) return `${runs}no test failed\n`
  const rows = [...failed].sort(([, a], [, b]) => b.times - a.times)
  return `${runs}\n| failed | test | why |\n|---|---|---|\n${rows
    .map(([test, { times, why }]) => `| ${times} | ${test} | ${why.replaceAll('|', '\\|')} |\n`)
    .join('')}`
}
