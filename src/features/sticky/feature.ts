import { defineFeature } from '../../core/feature.ts'
import { keys } from './keys.ts'
import { Sticky } from './sticky.ts'

export const sticky = defineFeature({
  name: 'sticky',
  doc: 'Tie each client to an endpoint by a signed cookie.',
  keys: { loadBalancing: keys },
  upstream: {
    compile: (options, { use }) => new Sticky(options, use.name),
  },
})
