import { type AnyFeature, inOrder } from '../core/feature.ts'
import { access } from './access/feature.ts'
import { accessLog } from './access-log/feature.ts'
import { balancers } from './balancers/feature.ts'
import { bodyLimit } from './body-limit/feature.ts'
import { buffering } from './buffering/feature.ts'
import { bulkhead } from './bulkhead/feature.ts'
import { circuitBreaker } from './circuit-breaker/feature.ts'
import { deadlines } from './deadlines/feature.ts'
import { discovery } from './discovery/feature.ts'
import { errorPages } from './error-pages/feature.ts'
import { failover } from './failover/feature.ts'
import { fallback } from './fallback/feature.ts'
import { hashedPath } from './hashed-path/feature.ts'
import { headers } from './headers/feature.ts'
import { healthCheck } from './health-check/feature.ts'
import { hedge } from './hedge/feature.ts'
import { importance } from './importance/feature.ts'
import { loopCheck } from './loop-check/feature.ts'
import { outlierDetection } from './outlier-detection/feature.ts'
import { overload } from './overload/feature.ts'
import { panicThreshold } from './panic-threshold/feature.ts'
import { redirect } from './redirect/feature.ts'
import { respond } from './respond/feature.ts'
import { retries } from './retries/feature.ts'
import { retryBudget } from './retry-budget/feature.ts'
import { rewrite } from './rewrite/feature.ts'
import { securityHeaders } from './security-headers/feature.ts'
import { slo } from './slo/feature.ts'
import { slowStart } from './slow-start/feature.ts'
import { spill } from './spill/feature.ts'
import { sticky } from './sticky/feature.ts'
import { streams } from './streams/feature.ts'
import { subset } from './subset/feature.ts'
import { timeouts } from './timeouts/feature.ts'
import { upgrades } from './upgrades/feature.ts'
import { websocket } from './websocket/feature.ts'
import { zone } from './zone/feature.ts'

/** All features of Sluice, in the order in which they act; the order in this file does not matter. */
export const FEATURES: readonly AnyFeature[] = inOrder([
  access,
  accessLog,
  balancers,
  bodyLimit,
  buffering,
  bulkhead,
  circuitBreaker,
  deadlines,
  discovery,
  errorPages,
  failover,
  fallback,
  hashedPath,
  headers,
  healthCheck,
  hedge,
  importance,
  loopCheck,
  outlierDetection,
  overload,
  panicThreshold,
  redirect,
  respond,
  retries,
  retryBudget,
  rewrite,
  securityHeaders,
  slo,
  slowStart,
  spill,
  sticky,
  streams,
  subset,
  timeouts,
  upgrades,
  websocket,
  zone,
])
