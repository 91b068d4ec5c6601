/**
 * The public API: what a program that embeds Sluice, or a plug-in, may import from `'sluice'`. Nothing else of the package can
 * be imported.
 */

export { block, columnsOf, HELD, WORD, wordsOf } from './cells/shape.ts'
export { filesSource } from './config/sources/files.ts'
export { type ConfigObject, memorySource, type SettableSource } from './config/sources/memory.ts'
export type { ConfigSource, SourceFacts, SourceProblem, SourceTexts } from './config/sources/source.ts'
export type { ControlContext, ControlFeature, ControlHalf } from './core/control-feature.ts'
export { decision } from './core/decision.ts'
export type { Exchange } from './core/exchange.ts'
export { type Failure, failure, type Reason } from './core/failures.ts'
export { defineFeature, type Feature, type FeatureContext, type PureContext, type PureFeature } from './core/feature.ts'
export { IterableSource } from './core/iterable-source.ts'
export {
  type Answers,
  type Call,
  type Commanded,
  type Feed,
  type FeedOut,
  isUnavailable,
  type Unavailable,
  type UnavailableReason,
  unavailable,
} from './core/link.ts'
export type { BodyStage, Policy, Recovery } from './core/policy.ts'
export type { CallRequest, ForkOptions, Services, Side, SideHead, StreamRequest } from './core/services.ts'
export type { Source, SourceEvents } from './core/source.ts'
export { lastingState } from './core/state-table.ts'
export type { Refusal, Reply, Reroute, Verdict, WholeReply } from './core/verdict.ts'
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
export { fieldName, host, path } from './http/schemas.ts'
export type { Clock, ClockHandle } from './lib/clock.ts'
export { type FlatHeaders, fieldValue } from './lib/headers.ts'
export type { Log, LogFields } from './lib/log.ts'
export { type Random, seededRandom } from './lib/random.ts'
export { VirtualClock } from './lib/virtual-clock.ts'
export {
  byKind,
  list,
  map,
  mapped,
  object,
  offOr,
  oneOrMany,
  optional,
  required,
  withDefault,
} from './schema/composites.ts'
export { filePath, pemFile, reference } from './schema/mark.ts'
export { boolean, duration, factor, integer, name, oneOf, pattern, ratio, size, text } from './schema/scalars.ts'
export type { Infer, Schema } from './schema/schema.ts'
export { secret } from './schema/secret.ts'
