/**
 * The public API: what a program that embeds Sluice, or a plug-in, may import from `'sluice'`. Nothing else of the package can
 * be imported.
 */

export { filesSource } from './config/sources/files.ts'
export { type ConfigObject, memorySource, type SettableSource } from './config/sources/memory.ts'
export type { ConfigSource, SourceFacts, SourceProblem, SourceTexts } from './config/sources/source.ts'
export type {
  AppliedConfig,
  CommonOptions,
  EmbeddedGateway,
  GatewayOptions,
  InlineGateway,
  InlineOptions,
  RequestHandler,
  ThreadedOptions,
} from './embed/api.ts'
export { createGateway } from './embed/create-gateway.ts'
export type { ConfigEvent, GatewayEvents, StateEvent } from './embed/events.ts'
export { type ConfigProblem, GatewayError, type GatewayErrorCode } from './embed/gateway-error.ts'
export { type HttpSourceSettings, httpSource } from './embed/http-source.ts'
export type { BoundAddress, EndpointStatus, GatewayStatus } from './embed/status.ts'
export * from './feature-api.ts'
export type { Clock, ClockHandle } from './lib/clock.ts'
export type { Log, LogFields } from './lib/log.ts'
export { type Random, seededRandom } from './lib/random.ts'
export { VirtualClock } from './lib/virtual-clock.ts'
