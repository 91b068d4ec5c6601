import { defineFeature } from '../../core/feature.ts'
import { IMPORTANCES, type Importance } from '../../core/importance.ts'
import type { Policy } from '../../core/policy.ts'
import { fieldValue } from '../../lib/headers.ts'
import { oneOf } from '../../schema/scalars.ts'

/** The field by which a trusted peer states how important a request is, whatever the route says. */
const FIELD = 'sluice-importance'

/** Writes down how important a request is: who makes it wait, or sheds it, reads that. */
export const importance = defineFeature({
  name: 'importance',
  doc: 'Importance of the requests: the more important ones are served first and shed last.',
  keys: { route: oneOf(...IMPORTANCES) },
  byDefault: 'normal',
  targets: 0,
  places: {
    request: { stage: 4, why: 'The process sheds by it before any work is done, and queues serve by it.' },
  },
  // Routes of the same importance share it: of thousands, each seldom used, it stays in the CPU's cache.
  compile: (options, { feature, keep }) => ({ request: keep(options, () => importancePolicy(feature, options)) }),
})

function importancePolicy(name: string, importance: Importance): Policy {
  const own = IMPORTANCES.indexOf(importance)
  return {
    name,
    admit(ex) {
      const said = ex.trusted ? IMPORTANCES.indexOf(fieldValue(ex.headers, FIELD) as Importance) : -1
      ex.importance = said === -1 ? own : said
      return undefined
    },
  }
}
