import type { ControlFeature } from '../../core/control-feature.ts'
import { descriptorPath } from './control/descriptor-path.ts'
import type { RespondOptions } from './keys.ts'
import { PATH_OF } from './places.ts'

/**
 * Tells workers where a file lies that they have opened. They may not ask /proc themselves: who may read there can read all
 * that the process has open.
 */
export const control: ControlFeature<RespondOptions> = {
  start: () => ({ answers: { [PATH_OF]: descriptorPath }, close() {} }),
}
