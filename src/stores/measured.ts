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
  const counters = new Map<string, { inc(): void }>()
  const count = (call: StoreCallName, result: string): void => {
    const key = `${call} ${result}`
    let counter = counters.get(key)
    if (counter === undefined) {
      counter = metrics.counter('sluice_store_calls_total', [store, call, result])
      counters.set(key, counter)
    }
    counter.inc()
  }
  return async <K extends StoreCallName>(call: StoreCall<K>): Promise<StoreAnswer<K> | Unavailable> => {
    const begun = clock.now()
    const answer = await send(call)
    seconds.observe((clock.now() - begun) / 1000)
    count(call.call, isUnavailable(answer) ? answer.unavailable : 'ok')
    if (isUnavailable(answer)) failed(answer)
    return answer
  }
}
