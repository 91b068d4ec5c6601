import type { ControlContext, ControlFeature } from '../../../../src/core/control-feature.ts'

/** Of the gateway that was started last, for tests in its process. */
export const started = { context: undefined as ControlContext | undefined }

export const control: ControlFeature = {
  start(context) {
    started.context = context
    return { close: () => {} }
  },
}
