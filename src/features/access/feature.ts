import type { PureFeature } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import type { Refusal } from '../../core/verdict.ts'
import { cidr } from '../../http/schemas.ts'
import { CidrSet } from '../../lib/cidr.ts'
import { mapped, object, oneOrMany, optional, withDefault } from '../../schema/composites.ts'
import { oneOf } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const FORBIDDEN: Refusal = { reason: 'forbidden', phase: 'auth', origin: 'client' }

const keys = object({
  allow: optional(oneOrMany(cidr()), 'Addresses that are admitted, and no others. Default: any.'),
  deny: withDefault(oneOrMany(cidr(), 0), [], 'Addresses that are refused, even if `allow` lists them.'),
  mode: withDefault(oneOf('enforce', 'shadow'), 'enforce', 'shadow: counts what it would refuse, and refuses nothing.'),
})

export type AccessOptions = Infer<typeof keys>

/** Admits by the address of the client, as `trust.proxies` tells it. */
export const access: PureFeature<AccessOptions> = {
  name: 'access',
  doc: 'Admits or refuses requests by the address of the client.',
  pure: true,
  keys: {
    route: mapped(keys, (options, refuse) =>
      options.allow === undefined && options.deny.length === 0
        ? refuse('it admits any address; give allow or deny')
        : options,
    ),
  },
  places: {
    address: { stage: 10, why: 'A client that may not come costs nothing more; who it is is not asked before.' },
  },
  compile(options, { feature: name, shadow }) {
    const allowed = options.allow && new CidrSet(options.allow)
    const denied = new CidrSet(options.deny)
    const enforces = options.mode === 'enforce'
    const address: Policy = {
      name,
      admit(ex) {
        const { client } = ex
        if (!denied.contains(client) && allowed?.contains(client) !== false) return undefined
        if (enforces) return FORBIDDEN
        shadow(ex, FORBIDDEN.reason)
        return undefined
      },
    }
    return { address }
  },
}
