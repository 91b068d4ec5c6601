import type { Policy, PolicyContext, PolicyDefinition } from '../../core/policy.ts'

/** Every policy, in stage order. */
export const POLICIES: readonly PolicyDefinition<never>[] = []

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
    const policy = definition.compile(options[definition.name] as never, { ...context, slot: compiled.length })
    if (policy !== undefined) compiled.push(policy)
  }
  if (known < Object.keys(options).length) {
    const names = POLICIES.map(({ name }) => name)
    throw new Error(`no such policy: ${Object.keys(options).find((name) => !names.includes(name))}`)
  }
  return compiled
}
