import { defineFeature } from '../../../src/core/feature.ts'
import { text } from '../../../src/schema/scalars.ts'

/** A plug-in: a field on every answer of a route. */
export default defineFeature({
  name: 'stamp',
  doc: 'Value of the field x-stamp on answers.',
  keys: { route: text() },
  places: { stamp: { stage: 20, why: 'it depends on nothing' } },
  compile: (value, { feature }) => ({
    stamp: { name: feature, respond: (ex) => void ex.response?.headers.push('x-stamp', value) },
  }),
})
