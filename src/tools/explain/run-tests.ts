import { type ConfigTest, testOptions } from '../../config/language/tests.ts'
import { compilePredicate, headersHold } from '../../data/routing/predicates.ts'
import { mayHoldSecret } from '../../lib/secret-names.ts'
import type { Position } from '../../schema/node.ts'
import { keyOf, nodeAt } from '../../schema/path.ts'
import { At, INVALID } from '../../schema/schema.ts'
import { AskedBadly } from './asked.ts'
import { conditionText } from './condition-text.ts'
import { answerText, decide, type RequestDecision } from './decision.ts'
import { missesOf } from './explain.ts'
import type { NearMiss } from './misses.ts'
import type { Model } from './model.ts'
import { HIDDEN } from './secrets.ts'

/** An expectation that was not met. */
export interface Mismatch {
  readonly what: 'request' | 'route' | 'upstream' | 'status' | 'path' | 'headers'
  readonly expected: string
  readonly got: string
}

export interface TestResult {
  readonly name: string
  readonly at: Position
  readonly mismatches: readonly Mismatch[]
  /** Why the expected route did not get the request; undefined: it did, or none is expected. */
  readonly miss: NearMiss | undefined
}

/** Version 1: keys may be added, none is removed or changes its meaning. */
export interface TestReport {
  readonly version: 1
  readonly passed: number
  readonly failed: number
  readonly tests: readonly TestResult[]
  readonly coverage: {
    readonly routes: number
    /** Percent of the routes that some test reaches. */
    readonly percent: number
    readonly missing: readonly { readonly route: string; readonly at: Position }[]
  }
}

/** Runs the `tests` of a config. */
export function runTests(model: Model): TestReport {
  const { lean, tree } = model
  const node = nodeAt(tree, ['tests'])
  const read = node === undefined ? new Map<string, ConfigTest>() : testOptions.read(node, new At([]))
  const tests = read === INVALID ? new Map<string, ConfigTest>() : read
  const reached = new Set<string>()
  const results = [...tests].map(([name, test]) => {
    const at = keyOf(tree, ['tests', name])
    return { name, at, ...runTest(model, test, (route) => reached.add(route)) }
  })
  const failed = results.filter(({ mismatches }) => mismatches.length > 0).length
  const missing = lean.routes.filter(({ name }) => !reached.has(name)).map(({ name }) => name)
  return {
    version: 1,
    passed: results.length - failed,
    failed,
    tests: results,
    coverage: {
      routes: lean.routes.length,
      percent: Math.floor((reached.size / lean.routes.length) * 1000) / 10,
      missing: missing.map((route) => ({ route, at: keyOf(tree, ['routes', route]) })),
    },
  }
}

function runTest(
  model: Model,
  { expect, request }: ConfigTest,
  reaches: (route: string) => void,
): Pick<TestResult, 'mismatches' | 'miss'> {
  const headers = [...(request.headers ?? [])].flatMap(([name, values]) => values.flatMap((value) => [name, value]))
  let decision: RequestDecision
  try {
    decision = decide(model, { ...request, headers })
  } catch (error) {
    if (!(error instanceof AskedBadly)) throw error
    return { mismatches: [{ what: 'request', expected: 'one that can be sent', got: error.message }], miss: undefined }
  }
  const { route } = decision
  if (route !== undefined) reaches(route.name)
  const wanted = expect.route === route?.name ? undefined : model.lean.routes.find(({ name }) => name === expect.route)
  return {
    mismatches: mismatchesOf(model, expect, decision),
    miss: wanted && missesOf(model, decision, [wanted], 1)[0],
  }
}

function mismatchesOf(model: Model, expect: ConfigTest['expect'], decision: RequestDecision): readonly Mismatch[] {
  const { answer, forward, route } = decision
  const found: Mismatch[] = []
  const own = answer === undefined ? 'none: an upstream answers' : answerText(answer)
  const differs = (what: Mismatch['what'], expected: string | undefined, got: string): void => {
    if (expected !== undefined) found.push({ what, expected, got })
  }
  if (expect.route !== route?.name) differs('route', expect.route, route?.name ?? `none: ${own}`)
  const upstreams = forward === undefined ? [] : (route?.to ?? []).map(({ upstream }) => upstream)
  if (expect.upstream !== undefined && !upstreams.includes(expect.upstream))
    differs('upstream', expect.upstream, upstreams.length === 0 ? `none: ${own}` : upstreams.join(' or '))
  if (expect.status !== answer?.status) differs('status', expect.status?.toString(), own)
  const target = expect.path?.includes('?') === true ? forward?.target : forward?.target.split('?')[0]
  if (expect.path !== target) differs('path', expect.path, target ?? `none: ${own}`)
  const fields = forward === undefined ? (answer?.headers ?? []) : [...hostOf(forward.host), ...forward.headers]
  for (const condition of expect.headers ?? []) {
    if (headersHold([compilePredicate(condition)], fields, model.names)) continue
    const seen = fields.filter((_, i) => i % 2 === 1 && fields[i - 1]?.toLowerCase() === condition.name)
    differs(
      'headers',
      conditionText(condition, model.hidden),
      seen.length === 0
        ? `no ${condition.name}`
        : seen.map((value) => (mayHoldSecret(condition.name) ? HIDDEN : JSON.stringify(value))).join(', '),
    )
  }
  return found
}

function hostOf(host: string | undefined): readonly string[] {
  return host === undefined ? [] : ['host', host]
}
