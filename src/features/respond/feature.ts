import type { PureFeature } from '../../core/feature.ts'
import { type FixedOptions, fixedKeys, fixedProblem, fixedReply } from '../../http/fixed.ts'
import { mapped, object } from '../../schema/composites.ts'

/** A fixed answer. */
export const respond: PureFeature<FixedOptions> = {
  name: 'respond',
  doc: 'Gives a fixed answer in place of an upstream.',
  answers: true,
  pure: true,
  keys: {
    route: mapped(object(fixedKeys), (options, refuse) => {
      const problem = fixedProblem(options)
      return problem === undefined ? options : refuse(problem)
    }),
  },
  places: {
    answer: {
      stage: 72,
      why: 'It answers in place of an upstream, so a client that may not reach one does not get it either.',
    },
  },
  compile(options, { feature: name }) {
    const reply = fixedReply(options)
    return { answer: { name, admit: () => reply } }
  },
}
