import { mapped, object, optional, required } from '../../schema/composites.ts'
import { duration, pattern } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import { secret } from '../../schema/secret.ts'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

export const keys = mapped(
  object({
    cookie: required(pattern('the name of a cookie', TOKEN), 'Name of the cookie.'),
    ttl: optional(duration(1000, 400 * 86_400_000), 'How long clients keep it. Default: until the browser is closed.'),
    secret: required(
      secret({ keyFor: 'sluice sticky cookie' }),
      'Secret that the cookie is signed with. It must be the same for all gateways.',
    ),
  }),
  ({ cookie, secret, ttl }) => ({ cookie, secret, maxAge: ttl === undefined ? undefined : Math.floor(ttl / 1000) }),
)

/** `maxAge`: seconds; undefined: until the browser is closed. `secret`: workers get a key that is made of it. */
export type StickyOptions = Infer<typeof keys>
