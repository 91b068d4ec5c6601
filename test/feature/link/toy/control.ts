import type { ControlContext, ControlFeature } from '../../../../src/core/control-feature.ts'
import type { Use } from '../../../../src/core/feature.ts'

/** The half of the gateway that was started last, for tests in its process. */
export const started = {
  context: undefined as ControlContext | undefined,
  /** Called with the uses that workers are about to compile. */
  expect: (_: readonly Use[]): void => {},
  asked: 0,
  /** Without an answer, and of these given up. */
  waiting: 0,
  aborted: 0,
}

export const control: ControlFeature = {
  start(context) {
    started.context = context
    started.asked = 0
    started.waiting = 0
    started.aborted = 0
    return {
      expect: (uses) => started.expect(uses),
      answers: {
        path: (path: string) => {
          started.asked++
          return `asked for ${path}`
        },
        slowly: async (path: string) => {
          started.asked++
          await new Promise((resolve) => context.clock.after(5, () => resolve(undefined)))
          return `asked for ${path}`
        },
        never: (_: string, call) => {
          started.asked++
          started.waiting++
          return new Promise((_, reject) =>
            call.signal.addEventListener('abort', () => {
              started.aborted++
              reject(new Error('aborted'))
            }),
          )
        },
        throws: () => {
          throw new Error('thrown by a test')
        },
      },
      close: () => {},
    }
  },
}
