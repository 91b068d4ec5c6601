import type { RouteConfig } from '../core/config.ts'
import type { ConfiguredPolicy, ShapingContext, ShapingPolicy } from '../core/feature.ts'
import type { Policy, PolicyContext } from '../core/policy.ts'
import { bulkhead } from './bulkhead/feature.ts'
import { circuitBreaker } from './circuit-breaker/feature.ts'
import { fallback } from './fallback/feature.ts'
import { headers } from './headers/feature.ts'
import { redirect } from './redirect/feature.ts'
import { respond } from './respond/feature.ts'
import { rewrite } from './rewrite/feature.ts'
import { streams } from './streams/feature.ts'

/** Every policy, in stage order; each says why it stands where it does. */
export const POLICIES: readonly ConfiguredPolicy[] = [
  rewrite,
  headers,
  redirect,
  respond,
  streams,
  bulkhead,
  circuitBreaker,
  fallback,
]

const SHAPING: readonly ShapingPolicy[] = [rewrite, headers, redirect, respond]

/**
 * The policies of one route in stage order.
 *
 * @param options by policy name; throws for a name that is no policy's
 */
export function compilePolicies(
  options: Readonly<Record<string, unknown>>,
  context: Omit<PolicyContext, 'slot'>,
): readonly Policy[] {
  const compiled: Policy[] = []
  let known = 0
  for (const definition of POLICIES) {
    if (!Object.hasOwn(options, definition.name)) continue
    known++
    const policy = definition.compile(options[definition.name], { ...context, slot: compiled.length })
    if (policy !== undefined) compiled.push(policy)
  }
  if (known < Object.keys(options).length) {
    const names = POLICIES.map(({ name }) => name)
    throw new Error(`no such policy: ${Object.keys(options).find((name) => !names.includes(name))}`)
  }
  return compiled
}

/** Fields of requests, lower-case, that a route judges, sets or removes. */
export function requestFields({ match, policies }: Pick<RouteConfig, 'match' | 'policies'>): readonly string[] {
  const judged = match.flatMap(({ headers }) => headers.map(({ name }) => name))
  const changed = POLICIES.flatMap((policy) =>
    Object.hasOwn(policies, policy.name) ? (policy.requestFields?.(policies[policy.name]) ?? []) : [],
  )
  return [...judged, ...changed].map((name) => name.toLowerCase())
}

/** Those policies of one route, in stage order, that decide by the request alone what is forwarded or answered. */
export function compileShaping(
  options: Readonly<Record<string, unknown>>,
  context: Omit<ShapingContext, 'slot'>,
): readonly Policy[] {
  return SHAPING.filter(({ name }) => Object.hasOwn(options, name))
    .map((definition, slot) => definition.compile(options[definition.name], { ...context, slot }))
    .filter((policy) => policy !== undefined)
}
