import { mapped, object, offOr, optional } from '../../schema/composites.ts'
import { duration, ratio } from '../../schema/scalars.ts'
import type { Read } from '../../schema/schema.ts'

/** Share of requests that each percentile covers. */
const PERCENTILES = { p50: 0.5, p75: 0.75, p90: 0.9, p95: 0.95, p99: 0.99, 'p99.9': 0.999 } as const

const threshold = offOr(duration(1, 600_000))

const latency = object({
  p50: optional(threshold, 'Half of the requests have their answer’s head within this time.'),
  p75: optional(threshold, '75 % of the requests have their answer’s head within this time.'),
  p90: optional(threshold, '90 % of the requests have their answer’s head within this time.'),
  p95: optional(threshold, '95 % of the requests have their answer’s head within this time.'),
  p99: optional(threshold, '99 % of the requests have their answer’s head within this time.'),
  'p99.9': optional(threshold, '99.9 % of the requests have their answer’s head within this time.'),
})

const target = mapped(
  ratio(),
  (value, refuse) => {
    if (value === 1) return refuse('at 100 % there is no error budget; write less, such as 99.9%')
    // 99.9 / 100 is not 0.999 in binary.
    return value === 0 ? refuse('it must be above 0%, such as 99.9%') : Number(value.toPrecision(12))
  },
  'a ratio below 100% such as 99.9%',
)

/** Objectives: shares of requests from 0 to 1; at least one of the two is there. */
export interface SloOptions {
  readonly availability: number | undefined
  /** `threshold`: milliseconds to the head of the answer. */
  readonly latency: { readonly target: number; readonly threshold: number } | undefined
}

/** The objectives of a route, over 30 days. */
export const keys = mapped(
  object({
    availability: optional(offOr(target), 'Share of the requests that must be answered without a server-side error.'),
    latency: optional(offOr(latency), 'Exactly one percentile, and the time within which its answers must begin.'),
  }),
  ({ availability, latency }, refuse): Read<SloOptions> => {
    const stated = Object.entries(PERCENTILES).flatMap(([name, share]) => {
      const ms = latency?.[name as keyof typeof PERCENTILES]
      return ms === undefined ? [] : [{ target: share, threshold: ms }]
    })
    if (latency !== undefined && stated.length !== 1)
      return refuse(
        `latency has ${stated.length === 0 ? 'no percentile' : 'several percentiles'}; it takes exactly one, such as p99: 300ms`,
      )
    if (availability === undefined && stated.length === 0)
      return refuse('it states no objective; write availability, latency or off')
    return { availability, latency: stated[0] }
  },
)
