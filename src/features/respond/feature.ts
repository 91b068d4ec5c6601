import type { ShapingPolicy } from '../../core/feature.ts'
import { type FixedOptions, fixedKeys, fixedProblem, fixedReply } from '../../http/fixed.ts'
import { mapped, object } from '../../schema/composites.ts'

/** A fixed answer. */
export const respond: ShapingPolicy<FixedOptions> = {
  name: 'respond',
  stage: 72,
  why: 'It answers in the place of an upstream, so whoever may not reach one does not get it either.',
  doc: 'A fixed answer in the place of an upstream.',
  answers: true,
  schema: mapped(object(fixedKeys), (options, refuse) => {
    const problem = fixedProblem(options)
    return problem === undefined ? options : refuse(problem)
  }),
  compile(options, { slot }) {
    const reply = fixedReply(options)
    return { name: 'respond', slot, admit: () => reply }
  },
}
