import type { Ejection } from '../../core/cut-off.ts'
import type { OutlierOptions } from './keys.ts'

export function ejection(options: OutlierOptions): Ejection | undefined {
  const { baseEjection, consecutiveFailures = Number.POSITIVE_INFINITY, maxEjection, mode } = options
  if (mode === 'shadow') return undefined
  // Each ejection in a row lasts one baseEjection longer: this is the fourth.
  return { after: consecutiveFailures, forMs: baseEjection, recoveryMs: Math.min(maxEjection, 4 * baseEjection) }
}
