import { isUnavailable, type Unavailable } from '../core/link.ts'
import type { MetricSink } from '../core/metric.ts'
import type { Clock } from '../lib/clock.ts'
import type { SendCall, StoreAnswer, StoreCall, StoreCallName } from './calls/call.ts'

export interface MeasuredOptions {
  readonly store: string
  readonly metrics: MetricSink
  readonly clock: Pick<Clock, 'now'>
  /** A call was not answered. */
  readonly failed: (why: Unavailable) => void
}

/** Counts and times the calls of a store. */
export function measured(send: SendCall, { clock, failed, metrics, store }: MeasuredOptions): SendCall {
  const seconds = metrics.histogram('sluice_store_call_duration_seconds', [store])
  return async <K extends StoreCallName>(call: StoreCall<K>): Promise<StoreAnswer<K> | Unavailable> => {
    const begun = clock.now()
    const answer = await send(call)
    seconds.observe((clock.now() - begun) / 1000)
    const result = isUnavailable(answer) ? answer.unavailable : 'ok'
    metrics.counter('sluice_store_calls_total', [store, call.call, result]).inc()
    if (isUnavailable(answer)) failed(answer)
    return answer
  }
}
