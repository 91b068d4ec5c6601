import { defineFeature } from '../../core/feature.ts'
import { ConsistentSampler } from '../../lib/sampling.ts'
import { mapped, object, offOr, withDefault } from '../../schema/composites.ts'
import { ratio } from '../../schema/scalars.ts'

const keys = mapped(
  offOr(
    object({
      sample: withDefault(
        ratio(),
        '100%',
        'Share of the requests that get a line. The trace ID decides, so that all gateways of a trace decide alike.',
      ),
    }),
  ),
  (options) => options ?? { sample: 0 },
)

/** Leaves lines of requests without a failure out of the access log, which `data/seeing/access-log.ts` writes. */
export const accessLog = defineFeature({
  name: 'accessLog',
  doc: 'Which requests get a line in the access log. Failed requests always do. off: only failed requests.',
  keys: { route: keys },
  byDefault: true,
  targets: 0,
  observes: true,
  places: {
    line: {
      stage: 1,
      why: 'It changes nothing, and what features ask for on behalf of the request has a line where the request has one.',
    },
  },
  compile({ sample }, { feature: name }) {
    if (sample === 1) return undefined
    const sampler = new ConsistentSampler(sample)
    return {
      line: {
        name,
        admit(ex) {
          ex.logged = sampler.chooses(ex.traceparent)
          return undefined
        },
      },
    }
  },
})
