import type { AnyFeature, PlanContext } from '../../core/feature.ts'
import type { Finding } from '../../core/lint.ts'
import { joined } from '../../core/plan.ts'
import type { Diagnostic } from '../../schema/diagnostics.ts'
import { type Node, placeKey } from '../../schema/node.ts'
import { keyOf, nodeAt, type Path, pathText, placeOf, placeText } from '../../schema/path.ts'
import type { Marked } from '../../schema/walk.ts'
import type { Language } from '../language/language.ts'
import { pathPolicies } from '../language/path-policy.ts'
import type { RootOptions } from '../language/root.ts'
import type { RouteOptions } from '../language/route.ts'
import { alternatesOf } from '../language/route.ts'
import type { UpstreamOptions } from '../language/upstream.ts'
import type { Comment } from '../read/comments.ts'
import type { Lint, LintContext, LintRoute } from './contract.ts'
import { type PlacedFinding, silence } from './silence.ts'
import { usesAt } from './uses.ts'

/**
 * Warnings about a config without errors, except those that a `# sluice-ignore NAME: reason` silences.
 *
 * @param tree what `root` was read from
 * @param marks all that the schemas mark in it
 */
export function runLints(
  root: RootOptions,
  tree: Node,
  marks: readonly Marked[],
  comments: readonly Comment[],
  language: Pick<Language, 'features'>,
  lints: readonly Lint[],
): readonly Diagnostic[] {
  const context = contextOf(root, tree, marks, language)
  const found: PlacedFinding[] = []
  for (const { name, run } of lints) {
    const seen = new Set<unknown>()
    for (const finding of run(context)) {
      const diagnostic = place(finding, name, tree)
      // A mistake in defaults or behind an anchor is found on many routes, and is reported once.
      const key = placeKey(diagnostic.at)
      if (seen.has(key)) continue
      seen.add(key)
      found.push({ lint: name, path: finding.path, diagnostic })
    }
  }
  return silence(found, comments, tree, new Set(lints.map(({ name }) => name)))
}

function place({ path, message, atKey, secret }: Finding, lint: string, tree: Node): Diagnostic {
  const at = atKey === true ? keyOf(tree, path) : placeOf(tree, path)
  return {
    severity: 'warning',
    at,
    path: pathText(path),
    message,
    lint,
    ...(secret === true && { secret }),
  }
}

/** Nothing is planned for a request here: there is nothing to count and to note. */
const UNUSED: PlanContext = {
  metrics: { counter: () => ({ inc() {} }), histogram: () => ({ observe() {} }) },
  note() {},
}

/** What the features of a route say, whichever they are. */
function saidOf(options: RouteOptions, features: readonly AnyFeature[]): Pick<LintRoute, 'plan' | 'mostInFlight'> {
  const uses = features.flatMap((feature) => {
    const own = feature.keys.route === undefined ? undefined : options.features.of(feature)
    return own === undefined ? [] : [{ feature, own }]
  })
  return {
    plan: joined(uses.map(({ feature, own }) => feature.plan?.(own, UNUSED) ?? {})),
    mostInFlight: Math.min(...uses.map(({ feature, own }) => feature.mostInFlight?.(own) ?? Number.POSITIVE_INFINITY)),
  }
}

/** Attempts at an upstream at a time, as its features bound them. */
function mostAttempted(options: UpstreamOptions, features: readonly AnyFeature[]): number {
  const bounds = usesAt(options, features).map(({ form, own }) => form.mostInFlight?.(own))
  return Math.min(...bounds.map((bound) => bound ?? Number.POSITIVE_INFINITY))
}

function contextOf(
  root: RootOptions,
  tree: Node,
  marks: readonly Marked[],
  { features }: Pick<Language, 'features'>,
): LintContext {
  const routes = [...root.routes].map(([name, options]): LintRoute => {
    const targets = (options.to ?? []).map(({ upstream }) => upstream)
    const upstreams = [...new Set([...targets, ...alternatesOf(options, features)])]
    return { name, options, upstreams, ...saidOf(options, features) }
  })
  const byUpstream = Map.groupBy(
    routes.flatMap((route) => route.upstreams.map((upstream) => ({ route, upstream }))),
    ({ upstream }) => upstream,
  )
  return {
    root,
    tree,
    routes,
    named: (kind) => namesIn(marks, kind),
    pathPolicies: pathPolicies(root.pathPolicy, root.listeners),
    upstreams: [...root.upstreams].map(([name, options]) => ({
      name,
      options,
      mostInFlight: mostAttempted(options, features),
      routes: (byUpstream.get(name) ?? []).map(({ route }) => route),
    })),
    node: (path) => nodeAt(tree, path),
    written: (path) => nodeAt(tree, path) !== undefined,
    own: (path) => isOwn(root, tree, path),
    place: (path, from) => placeText(tree, path, from),
  }
}

/** Names of a kind that routes refer to. */
function namesIn(marks: readonly Marked[], kind: string): ReadonlySet<string> {
  const names = marks.flatMap(({ mark, node, path }) =>
    mark.is === 'reference' && mark.to === kind && path[0] === 'routes' && node.kind === 'scalar' ? [node.text] : [],
  )
  return new Set(names)
}

/** Merging keeps nodes of lower layers as they are. */
function isOwn(root: RootOptions, tree: Node, path: Path): boolean {
  const node = nodeAt(tree, path)
  if (node === undefined) return false
  const [section, name, ...rest] = path
  if (section === 'upstreams') return node !== nodeAt(tree, ['defaults', 'upstream', ...rest])
  const profiles = root.routes.get(String(name))?.use ?? []
  const below = [['defaults', 'route'], ...profiles.map((profile) => ['profiles', profile])]
  return !below.some((layer) => node === nodeAt(tree, [...layer, ...rest]))
}
