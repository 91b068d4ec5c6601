import { defineFeature } from '../../core/feature.ts'
import { Meetable, offered } from './policy.ts'

/** Time that a trusted peer allows for a request, and requests for which too little is left. */
export const deadlines = defineFeature({
  name: 'deadlines',
  doc: 'Takes over the time that trusted peers allow, and refuses what cannot be answered within the time left.',
  keys: {},
  places: {
    offered: { stage: 8, why: 'All that waits further in must know how long it may.' },
    meetable: {
      stage: 190,
      why: 'By now the request has waited wherever it has to, and no attempt was made; what recovers does so from this, too.',
    },
  },
  compile: (_options, context) => ({
    offered: { name: context.feature, admit: offered },
    meetable: new Meetable(context),
  }),
})
