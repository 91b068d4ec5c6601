import { defineFeature } from '../../core/feature.ts'
import type { UpstreamPart } from '../../core/upstream-part.ts'
import { object, required, withDefault } from '../../schema/composites.ts'
import { factor, name } from '../../schema/scalars.ts'
import { ZoneFirst } from './zone-first.ts'

const keys = object({
  prefer: required(name(), 'Zone whose endpoints are preferred, usually the one in which this gateway runs.'),
  spillOver: withDefault(
    factor(1, 100),
    '150%',
    'When the mean load of the preferred zone exceeds this share of that of the other zones, theirs are used as well.',
  ),
})

export const zone = defineFeature({
  name: 'zone',
  doc: 'Prefer endpoints of a zone.',
  keys: { loadBalancing: keys },
  lints: () => import('./lints.ts'),
  upstream: {
    compile: (options): UpstreamPart => ({
      balance: { stage: 20, why: 'Within a subset the near endpoints go first.' },
      balancing: (create) => () => new ZoneFirst(options, create),
    }),
  },
})
