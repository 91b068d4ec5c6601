import { block, HELD } from '../../cells/shape.ts'
import { defineFeature } from '../../core/feature.ts'
import { oneOrMany } from '../../schema/composites.ts'
import { type Problem, parsed } from '../../schema/scalars.ts'
import { Upgrades } from './policy.ts'
import { decisions, metrics } from './words.ts'

/** RFC 9110, section 7.8: a name, and a version for some. */
const PROTOCOL = /^[!#$%&'*+.^_`|~0-9a-z-]+(\/[!#$%&'*+.^_`|~0-9a-z-]+)?$/
/** What they carry is HTTP: inside a tunnel no policy would see it. */
const HTTP = /^(h2c?|http|tls)(\/|$)/

const protocol = parsed('the name of a protocol, such as websocket', (text): string | Problem => {
  const name = text.toLowerCase()
  if (!PROTOCOL.test(name)) return { problem: 'it is no name of a protocol' }
  return HTTP.test(name) ? { problem: 'requests inside the tunnel would pass all policies unseen' } : name
})

/** Which protocols a request may change to; what follows is a tunnel. */
export const upgrades = defineFeature({
  name: 'upgrades',
  doc: 'The protocols that clients may change to, by the names that they give in Upgrade. Others, and with off all, are left out of the request, which goes on without them.',
  keys: { route: oneOrMany(protocol) },
  byDefault: 'websocket',
  places: {
    offer: {
      stage: 69,
      why: 'What may not come, or asks too often, gets no tunnel; all that acts further in knows of it.',
    },
  },
  cells: () => block({ open: HELD }),
  metrics,
  decisions,
  figures: {
    tunnels: {
      doc: 'Open tunnels, WebSockets among them.',
      metric: 'sluice_tunnels',
      otherwise: 0,
      of: (_use, { open }, look) => look.sum(open),
    },
  },
  lints: () => import('./lints.ts'),
  compile: (options, context) => ({ offer: new Upgrades(options, context) }),
})
