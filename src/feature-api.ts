/**
 * What a feature is made of: `'sluice'` for a plug-in in a worker, which has no use for the rest of the public API and must not
 * load it.
 */

export { block, columnsOf, HELD, WORD, wordsOf } from './cells/shape.ts'
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
export type { SeenTunnel, TunnelFacts, TunnelLeave, TunnelSide, TunnelStage } from './core/tunnel.ts'
export type { Refusal, Reply, Reroute, Verdict, WholeReply } from './core/verdict.ts'
export { fieldName, host, path } from './http/schemas.ts'
export { type FlatHeaders, fieldValue } from './lib/headers.ts'
export { type BuildApplication, fastifyHandler } from './plugins/fastify-handler.ts'
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
export { filePath, pemFile, reference, servedPath } from './schema/mark.ts'
export { boolean, duration, factor, integer, name, oneOf, pattern, ratio, size, text } from './schema/scalars.ts'
export type { Infer, Schema } from './schema/schema.ts'
export { secret } from './schema/secret.ts'
