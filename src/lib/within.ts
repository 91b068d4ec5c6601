import type { Clock, ClockHandle } from './clock.ts'

const EXPIRED = Symbol('expired')

/**
 * What `work` comes to, or after `ms` milliseconds what `late` returns or throws. The work itself goes on; its later
 * failure is ignored.
 */
export async function within<T, L>(
  clock: Pick<Clock, 'after' | 'cancel'>,
  ms: number,
  work: Promise<T>,
  late: () => L,
): Promise<T | L> {
  let timer: ClockHandle
  const expired = new Promise<typeof EXPIRED>((resolve) => {
    timer = clock.after(ms, () => resolve(EXPIRED))
  })
  try {
    const first = await Promise.race([work, expired])
    return first === EXPIRED ? late() : (first as T)
  } finally {
    clock.cancel(timer)
  }
}
