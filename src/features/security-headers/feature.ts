import { clientScheme } from '../../core/client-url.ts'
import type { PureFeature } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import { removeFields } from '../../lib/headers.ts'
import { object, offOr, withDefault } from '../../schema/composites.ts'
import { boolean, duration, oneOf } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const YEAR_MS = 365 * 86_400_000

const hsts = object({
  maxAge: withDefault(
    duration(0, 10 * YEAR_MS),
    '365d',
    'How long a browser asks for this host by HTTPS only; 0s: it forgets.',
  ),
  includeSubDomains: withDefault(boolean(), false, 'For all subdomains of the host as well.'),
  preload: withDefault(
    boolean(),
    false,
    'Browsers may carry the host in their own list; give it with subdomains and a year or more.',
  ),
})

const keys = object({
  hsts: withDefault(
    offOr(hsts),
    {},
    'Strict-Transport-Security (RFC 6797), in answers to requests that came by HTTPS.',
  ),
  contentTypeOptions: withDefault(
    offOr(oneOf('nosniff')),
    'nosniff',
    'X-Content-Type-Options: browsers do not guess types.',
  ),
  frameOptions: withDefault(
    offOr(oneOf('DENY', 'SAMEORIGIN')),
    'DENY',
    'X-Frame-Options: who may show the page in a frame.',
  ),
  referrerPolicy: withDefault(
    offOr(
      oneOf(
        'no-referrer',
        'no-referrer-when-downgrade',
        'origin',
        'origin-when-cross-origin',
        'same-origin',
        'strict-origin',
        'strict-origin-when-cross-origin',
        'unsafe-url',
      ),
    ),
    'strict-origin-when-cross-origin',
    'Referrer-Policy: what links tell other sites of this page.',
  ),
  removeServer: withDefault(boolean(), true, 'Removes Server and X-Powered-By, which tell what the upstream runs.'),
})

export type SecurityHeadersOptions = Infer<typeof keys>

const TELLING: ReadonlySet<string> = new Set(['server', 'x-powered-by'])
const HSTS = 'strict-transport-security'

/** Fields that protect the browser of a client, in every answer of the route, refusals included. */
export const securityHeaders: PureFeature<SecurityHeadersOptions> = {
  name: 'securityHeaders',
  doc: 'Sets the header fields that protect browsers, and removes those that tell what an upstream runs.',
  pure: true,
  keys: { route: keys },
  places: {
    answer: {
      stage: 3,
      why: 'It comes last on every answer of the route, refusals of all that stands behind it included.',
    },
  },
  compile(options, { feature: name }) {
    const always = fixedFields(options)
    const hsts = options.hsts === undefined ? undefined : hstsValue(options.hsts)
    const dropped = new Set([...(options.removeServer ? TELLING : []), ...always.filter((_, i) => i % 2 === 0)])
    if (hsts !== undefined) dropped.add(HSTS)
    if (dropped.size === 0) return undefined
    const answer: Policy = {
      name,
      respond(ex) {
        if (ex.response === undefined) return
        const { headers } = ex.response
        removeFields(headers, dropped)
        for (const text of always) headers.push(text)
        // A browser must ignore it over HTTP, and a host must not send it there (RFC 6797, section 7.2).
        if (hsts !== undefined && clientScheme(ex) === 'https') headers.push(HSTS, hsts)
      },
    }
    return { answer }
  },
}

/** Flat, names in lower case. */
function fixedFields({ contentTypeOptions, frameOptions, referrerPolicy }: SecurityHeadersOptions): string[] {
  const fields = [
    ['x-content-type-options', contentTypeOptions],
    ['x-frame-options', frameOptions],
    ['referrer-policy', referrerPolicy],
  ] as const
  return fields.flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
}

function hstsValue({ includeSubDomains, maxAge, preload }: NonNullable<SecurityHeadersOptions['hsts']>): string {
  const parts = [`max-age=${Math.floor(maxAge / 1000)}`]
  if (includeSubDomains) parts.push('includeSubDomains')
  if (preload) parts.push('preload')
  return parts.join('; ')
}
