import type { PathPoliciesConfig } from '../../core/path-policy.ts'
import { object, partial, withDefault } from '../../schema/composites.ts'
import { oneOf } from '../../schema/scalars.ts'
import type { Infer, Schema } from '../../schema/schema.ts'

export const pathPolicyOptions = object({
  dots: withDefault(
    oneOf('refuse', 'normalise'),
    'refuse',
    'Segments . and .. in paths, plain or encoded. normalise: they are resolved, and the upstream gets the result. Segments that only some servers see, as in /a/..;x/b or /a/..%2Fb, are always refused.',
  ),
  slashes: withDefault(
    oneOf('check', 'merge', 'keep', 'refuse'),
    'check',
    'Empty segments, as in //a//b. check: refused if the path has another route or other parameters with merged slashes. merge: the merged path is matched and forwarded. keep: they are data; no upstream may merge them.',
  ),
  parameters: withDefault(
    oneOf('check', 'keep', 'refuse'),
    'check',
    'Path parameters, as in /a;x=1/b. check: refused if the path has another route or other parameters without them. keep: they are data; no upstream may drop them.',
  ),
})

/** Of a listener: what is left out is as for the whole gateway. */
export const ownPathPolicyOptions = partial(pathPolicyOptions) as Schema<Partial<PathPolicyOptions>>

type PathPolicyOptions = Infer<typeof pathPolicyOptions>

export function pathPolicies(
  all: PathPolicyOptions,
  listeners: ReadonlyMap<string, { readonly pathPolicy: Partial<PathPolicyOptions> | undefined }>,
): PathPoliciesConfig {
  const own = [...listeners].flatMap(([listener, { pathPolicy }]) => {
    if (pathPolicy === undefined) return []
    const { dots = all.dots, parameters = all.parameters, slashes = all.slashes } = pathPolicy
    return [{ listener, dots, slashes, parameters }]
  })
  return { ...all, listeners: own }
}
