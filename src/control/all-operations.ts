import type { AnyFeature } from '../core/feature.ts'
import type { Operation } from '../core/operation.ts'
import type { DataSide } from './data-side.ts'
import { auditOperations } from './operations/audit/audit-operations.ts'
import type { Auditing } from './operations/audit/auditing.ts'
import { endpointOperations } from './operations/endpoint-operations.ts'
import { type LogLevel, logLevelOperations } from './operations/log-level.ts'
import { profileOperations } from './operations/profiles.ts'
import type { Archive } from './operations/reload/archive.ts'
import { configOperations } from './operations/reload/config-operations.ts'
import type { Reloader } from './operations/reload/reloader.ts'
import { type StatusSources, statusOperations } from './operations/status.ts'
import { flightOperations } from './seeing/flights/flight-operations.ts'
import type { LiveFeed } from './seeing/live/feed.ts'
import { liveOperations } from './seeing/live/live-operations.ts'

/** What operations are made of. */
export interface OperatedParts {
  /** Of the start: what the API has does not depend on when it is first asked. */
  readonly features: readonly AnyFeature[]
  /** Those of control halves, and of the entry point. */
  readonly brought: readonly Operation[]
  readonly side: DataSide
  readonly status: () => StatusSources
  readonly feed: LiveFeed
  readonly logLevel: LogLevel
  readonly auditing: Auditing
  readonly archive: Archive
  /** undefined: the config stays as it is. */
  readonly reloader: Reloader | undefined
}

/** All that operators may do and see of a gateway. */
export function allOperations(parts: OperatedParts): readonly Operation[] {
  const { archive, auditing, brought, features, feed, logLevel, reloader, side, status } = parts
  return [
    ...statusOperations(status, features),
    ...brought,
    ...endpointOperations(side.endpoints.care.drains),
    ...logLevelOperations(logLevel),
    ...profileOperations(side.profiles),
    ...liveOperations(() => side.figures(), feed, features),
    ...flightOperations(side.requests.flights, side.taps, features),
    ...(auditing.index === undefined ? [] : auditOperations(auditing.index)),
    ...(reloader === undefined ? [] : configOperations(reloader, archive)),
  ]
}
