import type { PureFeature } from '../../core/feature.ts'
import type { Refusal } from '../../core/verdict.ts'

const AMBIGUOUS: Refusal = {
  reason: 'ambiguous_path',
  phase: 'request',
  origin: 'client',
  detail: 'The path can be read in several ways, and requests are distributed by path here.',
}

/** The path would decide over the endpoint, and servers differ on what it is: a client could choose the endpoint. */
export const hashedPath: PureFeature = {
  name: 'hashedPath',
  doc: 'Refuses paths that can be read in several ways where the path decides over the endpoint.',
  pure: true,
  keys: {},
  places: {
    path: { stage: 7, why: 'What the path means must be certain before anything is done for it.' },
  },
  compile: (_options, { feature: name, services }) => ({
    path: {
      name,
      admit: (ex) => (ex.readings !== undefined && services.hashesPath(ex) ? AMBIGUOUS : undefined),
    },
  }),
}
