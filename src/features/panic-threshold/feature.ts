import { defineFeature } from '../../core/feature.ts'
import { ratio } from '../../schema/scalars.ts'

export const panicThreshold = defineFeature({
  name: 'panicThreshold',
  doc: 'Share of healthy endpoints below which health is ignored. 0% turns this off.',
  keys: { upstream: ratio() },
  byDefault: 'off',
  upstream: {
    /**
     * Better slow or failing answers from some than none from those that the rest of the load would break. Source: Envoy's
     * panic threshold.
     */
    ignoresHealth: (threshold, healthy, all) => all > 0 && healthy < threshold * all,
    compile: () => ({}),
  },
})
