import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * A collection of young objects, now (0.2 to 1 ms). V8 counts the memory of buffers late: it lets 64 MiB of dead ones
 * accumulate before it looks, however small the rest of the heap is.
 */
export function scavenger(): () => void {
  const gc = exposed()
  return () => gc({ type: 'minor' })
}

/**
 * A collection of all objects of this thread, now (20 ms for 20 MB). V8 does that by itself while objects are made, and may
 * not again once a thread idles: what a start leaves behind then stays.
 */
export function collect(): void {
  exposed()()
}

/**
 * From now on each thread of this process collects its young objects alone. V8 would have them done by several threads and
 * wait for the last: where all cores are busy, as those of a gateway under load, a pause of 1 ms becomes one of 10 to 100.
 */
export function collectAlone(): void {
  setFlagsFromString('--no-parallel-scavenge')
}

function exposed(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as NodeJS.GCFunction
}
