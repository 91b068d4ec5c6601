import type { PureFeature } from '../../core/feature.ts'
import { compileFixed, type FixedOptions, fixedKeys, fixedProblem } from '../../http/fixed.ts'
import { REQUEST_VALUES } from '../../http/template.ts'
import { mapped, object } from '../../schema/composites.ts'

/** A fixed answer. */
export const respond: PureFeature<FixedOptions> = {
  name: 'respond',
  doc: 'Gives a fixed answer in place of an upstream.',
  answers: true,
  pure: true,
  keys: {
    route: mapped(object(fixedKeys(REQUEST_VALUES)), (options, refuse) => {
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
  compile(options, { feature: name, paramNames }) {
    const reply = compileFixed(options, { values: REQUEST_VALUES, paramNames })
    return { answer: { name, admit: typeof reply === 'function' ? (ex) => reply(ex) : () => reply } }
  },
}
