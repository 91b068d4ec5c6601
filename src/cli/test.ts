import { Model } from '../tools/explain/model.ts'
import { runTests, type TestReport, type TestResult } from '../tools/explain/run-tests.ts'
import { columns } from './columns.ts'
import { SOURCE_OPTIONS } from './config-source.ts'
import { missRow, place } from './explain-text.ts'
import { Exit, type Io } from './io.ts'
import { loadWritten } from './load.ts'
import { defaultFile, parseOptions } from './options.ts'
import { PLUGINS } from './plugins.ts'

/** `sluice test [FILE] [--json] [--fail-under PERCENT]`: the tests of the file, and which routes they reach. 3 when one fails. */
export async function test(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, {
    json: { type: 'boolean' },
    'fail-under': { type: 'string' },
    ...PLUGINS,
    ...SOURCE_OPTIONS,
  })
  if (typeof parsed === 'string' || parsed.files.length > 1)
    return misused(typeof parsed === 'string' ? parsed : 'expected one file', io)
  const { json, 'fail-under': bound = '0' } = parsed.flags
  const least = Number(bound)
  if (!(least >= 0 && least <= 100)) return misused(`--fail-under ${bound} is not a percentage from 0 to 100`, io)
  const written = await loadWritten(parsed.files[0] ?? defaultFile(), parsed.flags, io)
  if (written === undefined) return Exit.badConfig
  const report = runTests(new Model(written))
  io.stdout(json === true ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report, least))
  const enough = report.passed > 0 && report.coverage.percent >= least
  return report.failed === 0 && enough ? Exit.ok : Exit.no
}

function reportText({ coverage, failed, passed, tests }: TestReport, least: number): string {
  if (tests.length === 0) return 'the file has no tests\n'
  const { missing, percent, routes } = coverage
  const bound = percent < least ? `, less than ${least}%` : ''
  const rows = missing.map(({ at, route }) => [route, place(at)])
  return (
    tests.map(resultText).join('') +
    `${passed} of ${passed + failed} tests passed\n` +
    `${routes - missing.length} of ${routes} routes are reached (${percent}%)${bound}${rows.length === 0 ? '' : '; these are not:'}\n` +
    columns(rows, 2)
  )
}

function resultText({ at, mismatches, miss, name }: TestResult): string {
  if (mismatches.length === 0) return columns([[`ok    ${name}`]], 0)
  const rows = mismatches.map(({ expected, got, what }) => [what, `expected ${expected}`, `got ${got}`])
  const why = miss === undefined ? '' : columns([missRow(miss)], 8)
  return columns([[`FAIL  ${name}`, place(at)]], 0) + columns(rows, 6) + why
}

function misused(problem: string, io: Io): number {
  io.stderr(`sluice test: ${problem}\n`)
  return Exit.usage
}
