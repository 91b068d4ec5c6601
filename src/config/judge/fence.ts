import { normalize } from 'node:path'
import type { MatchConfig, PathPattern } from '../../core/config.ts'
import { unixPath } from '../../lib/address.ts'
import type { Diagnostic } from '../../schema/diagnostics.ts'
import { withArticle } from '../../schema/mark.ts'
import type { MapNode, Node } from '../../schema/node.ts'
import { type Path, pathText, placeOf } from '../../schema/path.ts'
import { type Marked, marksIn } from '../../schema/walk.ts'
import type { Allowed } from '../language/include.ts'
import type { Language } from '../language/language.ts'
import type { RootOptions } from '../language/root.ts'

/** How far the routes of a name may reach. */
export interface Fence {
  /** Their names begin with it and a dot. */
  readonly as: string
  readonly allow: Allowed
}

/** Parts behind fences that reach beyond them. `found`: all that the schemas mark in `tree`. */
export function trespasses(
  root: RootOptions,
  fences: readonly Fence[],
  tree: Node,
  found: readonly Marked[],
  language: Language,
): readonly Diagnostic[] {
  return fences.flatMap((fence) => [
    ...foreignMatches(root, fence, tree),
    ...found.filter(({ path }) => isOf(path, fence, language)).flatMap((one) => foreignPart(one, fence, language)),
  ])
}

/** What routes take beyond their fence. */
function foreignMatches(root: RootOptions, { allow, as }: Fence, tree: Node): Diagnostic[] {
  const problems: Diagnostic[] = []
  for (const [name, route] of root.routes) {
    if (!name.startsWith(`${as}.`)) continue
    const path = ['routes', name, 'match']
    for (const message of new Set(route.match.flatMap((match) => outside(match, allow))))
      problems.push({ severity: 'error', at: placeOf(tree, path), path: pathText(path), message })
  }
  return problems
}

/** Whether something stands in a part of the name. */
function isOf([key, owner]: Path, { as }: Fence, { collections }: Language): boolean {
  const serves = collections.some((collection) => collection.key === key && collection.serves)
  return serves && String(owner).startsWith(`${as}.`)
}

/** What a fenced part names of what is outside. */
function foreignPart({ mark, node, path }: Marked, { allow, as }: Fence, { collections }: Language): Diagnostic[] {
  if (node.kind !== 'scalar') return []
  const error = (message: string): Diagnostic[] => [{ severity: 'error', at: node.at, path: pathText(path), message }]
  if (
    mark.is === 'address' &&
    unixPath(node.text) !== undefined &&
    !allow.sockets.some((allowed) => socketWithin(node.text, allowed))
  )
    return error(`${node.text} is not a socket that ${as} may use; allow.sockets of its include lists those`)
  if (mark.is !== 'reference') return []
  const target = collections.find(({ of }) => of === mark.to)
  if (target === undefined || target.reach === 'any' || node.text.startsWith(`${as}.`)) return []
  const listed = target.reach === 'listed'
  if (allow.shared.get(target.key)?.includes(node.text) === true) return []
  const hint = listed ? `; allow.${target.key} of its include lists those that it may share` : ''
  return error(`${JSON.stringify(node.text)} is not ${withArticle(target.of)} of ${as}${hint}`)
}

/** References of one file behind a fence that it must not have: files outside its folder, environment values. */
export function lookedOver(language: Language, root: MapNode, { allow, as }: Fence): readonly Diagnostic[] {
  return marksIn(language.root, root).flatMap(({ mark, node }): Diagnostic[] => {
    if (node.kind !== 'scalar') return []
    const error = (message: string): Diagnostic[] => [{ severity: 'error', at: node.at, path: '', message }]
    if (mark.is === 'environment' && !allow.env.includes(node.text))
      return error(`the environment value ${node.text} is not one that ${as} may use (allow.env)`)
    const path = normalize(node.text)
    return mark.is === 'file' && (path.startsWith('/') || path.startsWith('..'))
      ? error(`${JSON.stringify(node.text)} is outside of the folder of this file, which ${as} must not leave`)
      : []
  })
}

function outside(match: MatchConfig, { hosts, listeners, paths }: Allowed): string[] {
  const problems: string[] = []
  const fence = `allowed are ${hosts.join(', ')}`
  if (match.hosts.length === 0) problems.push(`it takes every host; ${fence}`)
  for (const host of match.hosts)
    if (!hosts.some((allowed) => hostWithin(host, allowed)))
      problems.push(`the host ${host} is outside the fence; ${fence}`)
  const doors = `allowed are ${listeners.join(', ')}`
  if (listeners.length > 0 && match.listeners.length === 0) problems.push(`it takes every listener; ${doors}`)
  for (const listener of match.listeners)
    if (listeners.length > 0 && !listeners.includes(listener))
      problems.push(`the listener ${listener} is outside the fence; ${doors}`)
  const ways = `allowed are ${paths.map(({ source }) => source).join(', ')}`
  const all: readonly PathPattern[] =
    match.paths.length === 0 ? [{ kind: 'segments', source: '/*', segments: [], prefix: true }] : match.paths
  for (const path of all)
    if (!paths.some((allowed) => pathWithin(path, allowed)))
      problems.push(`the path ${path.source} is outside the fence; ${ways}`)
  return problems
}

/** Whether every host of a pattern is one of another. */
function hostWithin(host: string, allowed: string): boolean {
  return host === allowed || (allowed.startsWith('*.') && host.replace(/^\*\./, 'x.').endsWith(allowed.slice(1)))
}

/** Whether every path of a pattern is one of another. A regular expression is within everything and itself only. */
function pathWithin(path: PathPattern, allowed: PathPattern): boolean {
  if (path.source === allowed.source && path.kind === allowed.kind) return true
  if (allowed.kind === 'regex') return false
  if (path.kind === 'regex') return allowed.prefix && allowed.segments.length === 0
  if (!allowed.prefix && (path.prefix || path.segments.length !== allowed.segments.length)) return false
  return allowed.segments.every((segment, i) => {
    const own = path.segments[i]
    return own !== undefined && ('param' in segment || ('literal' in own && own.literal === segment.literal))
  })
}

/** Whether a socket is another one, or below its folder: `unix:/run/shop/*`. */
function socketWithin(host: string, allowed: string): boolean {
  return allowed.endsWith('/*') ? host.startsWith(allowed.slice(0, -1)) : host === allowed
}

/** The environment as files behind a fence see it. */
export function fencedEnvironment<T>(env: Readonly<Record<string, T>>, { allow }: Fence): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => allow.env.includes(name)))
}
