import type { FeatureDeps } from './compile-features.ts'

/** Milliseconds in which a worker does nothing else for the sake of one hook. */
const SLOW_MS = 10
/** The same hook is told again after so long, milliseconds. */
const TELL_MS = 60_000

interface Told {
  at: number
  /** Slow calls since. */
  calls: number
  worstMs: number
}

/** Synchronous hooks of plug-ins that hold their worker up: counted each time, told once per minute. One per worker. */
export class SlowHooks {
  private readonly told = new Map<string, Told>()

  /** @param now clock milliseconds */
  took(
    plugin: string,
    hook: string,
    ms: number,
    now: number,
    { metrics, report }: Pick<FeatureDeps, 'metrics' | 'report'>,
  ): void {
    if (ms < SLOW_MS) return
    metrics.counter('sluice_plugin_slow_total', [plugin, hook]).inc()
    const key = `${plugin} ${hook}`
    const told = this.told.get(key) ?? { at: Number.NEGATIVE_INFINITY, calls: 0, worstMs: 0 }
    told.calls++
    told.worstMs = Math.max(told.worstMs, ms)
    this.told.set(key, told)
    if (now - told.at < TELL_MS) return
    report({ kind: 'slow-plugin', plugin, hook, calls: told.calls, worstMs: Math.round(told.worstMs) })
    this.told.set(key, { at: now, calls: 0, worstMs: 0 })
  }
}
