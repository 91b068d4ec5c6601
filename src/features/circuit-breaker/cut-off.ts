import type { CutOff } from '../../core/cut-off.ts'
import type { CircuitBreakerOptions } from './keys.ts'

export function cutOff(options: CircuitBreakerOptions): CutOff | undefined {
  const { errorRate, halfOpen, maxOpenFor, minRequests, mode, openFor, window } = options
  if (mode === 'shadow') return undefined
  const when: readonly unknown[] = options.when
  const inTime = minRequests <= 100 && errorRate <= 0.5 && window <= 10_000
  return {
    refusesAfter: (outcomes) => inTime && outcomes.every((outcome) => when.includes(outcome)),
    probes: halfOpen.attempts,
    // It opens up to five times more before a probe meets the upstream that has recovered.
    recoveryMs: Math.min(maxOpenFor, 5 * openFor) + halfOpen.ramp,
  }
}
