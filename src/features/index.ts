import { type AnyFeature, inOrder } from '../core/feature.ts'
import { bulkhead } from './bulkhead/feature.ts'
import { circuitBreaker } from './circuit-breaker/feature.ts'
import { fallback } from './fallback/feature.ts'
import { headers } from './headers/feature.ts'
import { redirect } from './redirect/feature.ts'
import { respond } from './respond/feature.ts'
import { rewrite } from './rewrite/feature.ts'
import { streams } from './streams/feature.ts'

/** Every feature that Sluice has, in the order in which they act; the order in this file means nothing. */
export const FEATURES: readonly AnyFeature[] = inOrder([
  bulkhead,
  circuitBreaker,
  fallback,
  headers,
  redirect,
  respond,
  rewrite,
  streams,
])
