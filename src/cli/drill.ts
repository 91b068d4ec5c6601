import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { Config } from '../config/language/config.ts'
import type { Language } from '../config/language/language.ts'
import { loadConfig } from '../config/load.ts'
import { systemClock } from '../lib/clock.ts'
import { type DrillResult, junit } from '../tools/drill/junit.ts'
import type { DrillScenario } from '../tools/drill/scenario.ts'
import { type DrillTarget, targetsOf } from '../tools/drill/target.ts'
import { judge, verdictLines } from '../tools/drill/verdict.ts'
import { DRILLS } from '../tools/scenarios/index.ts'
import { render } from './check.ts'
import { drillConfig } from './drill-config.ts'
import { Exit, type Io } from './io.ts'
import { defaultFile, parseOptions } from './options.ts'
import { depsOf, PLUGINS } from './plugins.ts'

/**
 * `sluice drill [FILE] [SCENARIO…] [--junit FILE] [--upstream NAME]`: failure scenarios against this config on simulated
 * upstreams, expected and seen. 4 when something differs, 3 when no scenario fits.
 */
export async function drill(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { ...PLUGINS, junit: { type: 'string' }, upstream: { type: 'string' } })
  if (typeof parsed === 'string') return misused(parsed, io)
  const named = parsed.files[0] !== undefined && isFile(parsed.files[0])
  const file = named ? (parsed.files[0] as string) : defaultFile()
  const names = named ? parsed.files.slice(1) : parsed.files
  const unknown = names.filter((name) => !DRILLS.some((scenario) => scenario.name === name))
  if (unknown.length > 0) return misused(`no scenario ${unknown.join(', ')}; there are ${scenarioNames()}`, io)
  const deps = depsOf(io, { run: parsed.flags.plugins === true })
  const { config, diagnostics, language } = await loadConfig(file, deps)
  io.stderr(await render(diagnostics, io.isTTY))
  if (config === undefined) return Exit.badConfig
  const { found, without } = targetsOf(config.lean, language.features)
  const only = parsed.flags.upstream
  if (typeof only === 'string' && !found.some(({ upstream }) => upstream === only)) {
    return misused(`no route to the upstream ${only} that can be drilled`, io)
  }
  for (const name of without) io.stdout(`${name}: no route leads to it alone with a GET that can be generated\n`)
  const results: DrillResult[] = []
  const chosen = DRILLS.filter(({ name }) => names.length === 0 || names.includes(name))
  for (const target of found.filter(({ upstream }) => only === undefined || upstream === only)) {
    for (const scenario of chosen) results.push(await one(config, language, target, scenario, io))
  }
  if (typeof parsed.flags.junit === 'string') await writeFile(parsed.flags.junit, junit(results))
  return conclude(results, io)
}

async function one(
  config: Config,
  language: Language,
  target: DrillTarget,
  scenario: DrillScenario,
  io: Io,
): Promise<DrillResult> {
  const { upstream } = target
  const misfit = scenario.misfit(target.facts)
  if (misfit !== undefined) {
    io.stdout(`${upstream} ${scenario.name}: not run: ${misfit}\n`)
    return { upstream, scenario: scenario.name, verdicts: [], skipped: misfit }
  }
  io.stdout(`${upstream} ${scenario.name}: ${scenario.title}\n`)
  const run = await drillConfig(config, language, target, scenario, systemClock)
  // Times are promised for the scenario's own config only.
  const expected = scenario.expected.filter(({ kind, fits }) => kind === 'count' && fits?.(target.facts) !== false)
  const verdicts = judge({ ...scenario, expected }, [run])
  io.stdout(verdictLines(verdicts))
  return { upstream, scenario: scenario.name, verdicts }
}

function conclude(results: readonly DrillResult[], io: Io): number {
  const all = results.flatMap(({ verdicts }) => verdicts)
  const differing = all.filter(({ ok }) => !ok).length
  if (all.length === 0) {
    io.stdout('no scenario fits this config\n')
    return Exit.no
  }
  io.stdout(differing === 0 ? 'all as expected\n' : `${differing} of ${all.length} not as expected\n`)
  return differing === 0 ? Exit.ok : Exit.drillDiffers
}

/**
 * A scenario's name is not a file, even if a file of that name exists; a name with a slash is a file, which may be missing.
 */
function isFile(argument: string): boolean {
  return !DRILLS.some(({ name }) => name === argument) && (/\.ya?ml$|\//.test(argument) || existsSync(argument))
}

function scenarioNames(): string {
  return DRILLS.map(({ name }) => name).join(', ')
}

function misused(problem: string, io: Io): number {
  io.stderr(`sluice drill: ${problem}\n`)
  return Exit.usage
}
