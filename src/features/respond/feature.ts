import { defineFeature, type PureContext } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import { compileFixed, type FixedOptions } from '../../http/fixed.ts'
import { REQUEST_VALUES } from '../../http/template.ts'
import { FilePolicy } from './file-policy.ts'
import { isFixed, keys } from './keys.ts'

/** A fixed answer, a file, or the files below a folder. */
export const respond = defineFeature({
  name: 'respond',
  doc: 'Gives a fixed answer, a file, or the files of a folder in place of an upstream.',
  answers: true,
  // A file is there or not when the request comes.
  pure: isFixed,
  keys: { route: keys },
  places: {
    answer: {
      stage: 72,
      why: 'It answers in place of an upstream, so a client that may not reach one does not get it either.',
    },
  },
  control: () => import('./control.ts'),
  lints: () => import('./lints.ts'),
  compile: (options, context) => ({
    answer: isFixed(options) ? fixed(options, context) : new FilePolicy(options, context),
  }),
})

function fixed(options: FixedOptions, { feature: name, paramNames }: PureContext): Policy {
  const reply = compileFixed(options, { values: REQUEST_VALUES, paramNames })
  return { name, admit: typeof reply === 'function' ? (ex) => reply(ex) : () => reply }
}
