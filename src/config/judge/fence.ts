import { normalize } from 'node:path'
import type { MatchConfig, PathPattern } from '../../core/config.ts'
import type { Diagnostic } from '../../schema/diagnostics.ts'
import type { MapNode, Node } from '../../schema/node.ts'
import { pathText, placeOf } from '../../schema/path.ts'
import type { Allowed } from '../language/include.ts'
import type { RootOptions } from '../language/root.ts'
import { referencesOf } from './file-references.ts'

/** How far the routes of a name may reach. */
export interface Fence {
  /** Their names begin with it and a dot. */
  readonly as: string
  readonly allow: Allowed
}

/** What routes take, or lead to, beyond their fences. */
export function trespasses(root: RootOptions, fences: readonly Fence[], tree: Node): readonly Diagnostic[] {
  const found: Diagnostic[] = []
  for (const fence of fences) {
    for (const [name, route] of root.routes) {
      if (!name.startsWith(`${fence.as}.`)) continue
      const say = (step: string, message: string): void => {
        const path = ['routes', name, step]
        found.push({ severity: 'error', at: placeOf(tree, path), path: pathText(path), message })
      }
      for (const problem of new Set(route.match.flatMap((match) => outside(match, fence.allow)))) say('match', problem)
      const allowed = (upstream: string): boolean =>
        upstream.startsWith(`${fence.as}.`) || fence.allow.upstreams.includes(upstream)
      const leads = { to: (route.to ?? []).map(({ upstream }) => upstream), failover: route.failover }
      for (const [step, upstreams] of Object.entries(leads))
        for (const upstream of upstreams.filter((one) => !allowed(one)))
          say(
            step,
            `${JSON.stringify(upstream)} is not an upstream of ${fence.as}; allow.upstreams of its include lists those that it may share`,
          )
      const { fallback } = route as unknown as { readonly fallback?: { readonly route?: string } }
      if (fallback?.route !== undefined && !fallback.route.startsWith(`${fence.as}.`))
        say('fallback', `${JSON.stringify(fallback.route)} is not a route of ${fence.as}`)
    }
  }
  return found
}

/** What one file behind a fence refers to that it must not see: files outside its folder, environment values. */
export function lookedOver(root: MapNode, { allow, as }: Fence): readonly Diagnostic[] {
  return referencesOf(root).flatMap(({ kind, node }): Diagnostic[] => {
    if (node.kind !== 'scalar') return []
    const error = (message: string): Diagnostic[] => [{ severity: 'error', at: node.at, path: '', message }]
    if (kind === 'env') {
      const known = allow.env.includes(node.text)
      return known ? [] : error(`the environment value ${node.text} is not one that ${as} may use (allow.env)`)
    }
    const path = normalize(node.text)
    return path.startsWith('/') || path.startsWith('..')
      ? error(`${JSON.stringify(node.text)} is outside of the folder of this file, which ${as} must not leave`)
      : []
  })
}

function outside(match: MatchConfig, { hosts, listeners, paths }: Allowed): string[] {
  const problems: string[] = []
  const fence = `allowed are ${hosts.join(', ')}`
  if (match.hosts.length === 0) problems.push(`it takes every host; ${fence}`)
  for (const host of match.hosts)
    if (!hosts.some((allowed) => hostWithin(host, allowed))) problems.push(`the host ${host} is not theirs; ${fence}`)
  const doors = `allowed are ${listeners.join(', ')}`
  if (listeners.length > 0 && match.listeners.length === 0) problems.push(`it takes every listener; ${doors}`)
  for (const listener of match.listeners)
    if (listeners.length > 0 && !listeners.includes(listener))
      problems.push(`the listener ${listener} is not theirs; ${doors}`)
  const ways = `allowed are ${paths.map(({ source }) => source).join(', ')}`
  const all: readonly PathPattern[] =
    match.paths.length === 0 ? [{ kind: 'segments', source: '/*', segments: [], prefix: true }] : match.paths
  for (const path of all)
    if (!paths.some((allowed) => pathWithin(path, allowed)))
      problems.push(`the path ${path.source} is not theirs; ${ways}`)
  return problems
}

/** Whether every host of a pattern is one of another. */
export function hostWithin(host: string, allowed: string): boolean {
  return host === allowed || (allowed.startsWith('*.') && host.replace(/^\*\./, 'x.').endsWith(allowed.slice(1)))
}

/** Whether every path of a pattern is one of another. A regular expression is within everything and itself only. */
export function pathWithin(path: PathPattern, allowed: PathPattern): boolean {
  if (path.source === allowed.source && path.kind === allowed.kind) return true
  if (allowed.kind === 'regex') return false
  if (path.kind === 'regex') return allowed.prefix && allowed.segments.length === 0
  if (!allowed.prefix && (path.prefix || path.segments.length !== allowed.segments.length)) return false
  return allowed.segments.every((segment, i) => {
    const own = path.segments[i]
    return own !== undefined && ('param' in segment || ('literal' in own && own.literal === segment.literal))
  })
}

/** The environment as files behind a fence see it. */
export function fencedEnvironment<T>(env: Readonly<Record<string, T>>, { allow }: Fence): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => allow.env.includes(name)))
}
