import { defineFeature } from '../../core/feature.ts'
import { keys } from './keys.ts'
import { OverloadPolicy } from './policy.ts'
import { metrics } from './words.ts'

/** What the process has to bear is measured by the control plane, see `control.ts`, and told to workers as their `Pressure`. */
export const overload = defineFeature({
  name: 'overload',
  doc: 'Limits above which a worker is overloaded. First, requests of low importance are refused; then connections are closed after their answer; then only critical requests are served and new connections refused. off: no overload protection.',
  keys: { root: keys },
  byDefault: true,
  places: {
    request: { stage: 5, why: 'Before any work is done: it would come too late.' },
  },
  metrics,
  control: () => import('./control.ts'),
  // In mode shadow no worker is told.
  compile: ({ mode }, context) => (mode === 'shadow' ? undefined : { request: new OverloadPolicy(context) }),
})
