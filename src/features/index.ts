import { type AnyFeature, inOrder } from '../core/feature.ts'
import { bulkhead } from './bulkhead/feature.ts'
import { circuitBreaker } from './circuit-breaker/feature.ts'
import { deadlines } from './deadlines/feature.ts'
import { fallback } from './fallback/feature.ts'
import { hashedPath } from './hashed-path/feature.ts'
import { headers } from './headers/feature.ts'
import { loopCheck } from './loop-check/feature.ts'
import { redirect } from './redirect/feature.ts'
import { respond } from './respond/feature.ts'
import { retryBudget } from './retry-budget/feature.ts'
import { rewrite } from './rewrite/feature.ts'
import { streams } from './streams/feature.ts'

/** All features of Sluice, in the order in which they act; the order in this file does not matter. */
export const FEATURES: readonly AnyFeature[] = inOrder([
  bulkhead,
  circuitBreaker,
  deadlines,
  fallback,
  hashedPath,
  headers,
  loopCheck,
  redirect,
  respond,
  retryBudget,
  rewrite,
  streams,
])
