import type { Exchange } from '../core/exchange.ts'
import { detailOf, FAILURES, type Failure } from '../core/failures.ts'
import type { TemplateText } from '../schema/template.ts'

/** Something of a request that a template may name. */
export interface TemplateValue {
  /** One sentence for the reference. */
  readonly doc: string
  /** `failure`: what a fallback answers for. */
  of(ex: Exchange, failure: Failure | undefined): string
}

export type TemplateValues = Readonly<Record<string, TemplateValue>>

/** What every template may name. */
export const REQUEST_VALUES: TemplateValues = {
  'request.id': { doc: 'The request ID that Sluice makes, as in `sluice-request-id`.', of: (ex) => ex.requestId },
  'request.correlationId': { doc: 'The correlation ID, see `correlation`.', of: (ex) => ex.correlationId },
  'request.method': { doc: 'The method.', of: (ex) => ex.method },
  'request.host': { doc: 'The host that the client asked for, without port.', of: (ex) => ex.downstream.host },
  'request.path': { doc: 'The path in normal form, without query.', of: (ex) => ex.path },
  'client.address': { doc: 'The IP address of the client, after `trust.proxies`.', of: (ex) => ex.client },
  'route.name': { doc: 'The name of the route.', of: (ex) => ex.route?.name ?? '' },
}

/** What templates may name where a failure is answered. */
export const FAILURE_VALUES: TemplateValues = {
  ...REQUEST_VALUES,
  'failure.reason': {
    doc: 'Why there is no other answer, such as `breaker_open`.',
    of: (_, failure) => failure?.reason ?? '',
  },
  'failure.status': {
    doc: 'The status that tells of it, such as `503`.',
    of: (ex, failure) => (failure === undefined ? '' : String(statusOf(ex, failure))),
  },
  'failure.title': {
    doc: 'What the reason means, in a few words.',
    of: (_, failure) => (failure === undefined ? '' : FAILURES[failure.reason].title),
  },
  'failure.detail': {
    doc: 'One sentence for the client: limits and names of fields, never values, addresses or stacks.',
    of: (_, failure) => (failure === undefined ? '' : detailOf(failure)),
  },
}

/** An answer of an upstream in whose place something is written did not end the exchange. */
function statusOf({ attempt, failure }: Exchange, { reason }: Failure): number {
  return failure === undefined && attempt !== undefined ? attempt.status : FAILURES[reason].status
}

/** A template as requests use it: a constant, or the function that writes it. */
export type CompiledText = string | ((ex: Exchange, failure?: Failure) => string)

export interface TemplateContext {
  readonly values: TemplateValues
  /** Of the route, in the order of `ex.params`. */
  readonly paramNames: readonly string[]
  /** A value as it may stand at this place. */
  readonly write: (value: string) => string
  /** A text of the config as it goes out; undefined: as it is. */
  readonly encode?: (text: string) => string
}

/** Throws for a name that is neither a value nor a parameter of the route: the check of the config let none pass. */
export function compileText(text: TemplateText, context: TemplateContext): CompiledText {
  const { encode = (part) => part, write } = context
  if (typeof text === 'string') return encode(text)
  const texts = text.texts.map(encode)
  const values = text.names.map((name) => getterOf(name, context))
  return (ex, failure) => {
    let out = texts[0] as string
    for (let i = 0; i < values.length; i++)
      out += write((values[i] as TemplateValue['of'])(ex, failure)) + (texts[i + 1] as string)
    return out
  }
}

function getterOf(name: string, { paramNames, values }: TemplateContext): TemplateValue['of'] {
  const place = name.startsWith('params.') ? paramNames.indexOf(name.slice('params.'.length)) : -1
  if (place !== -1) return (ex) => ex.params?.[place] ?? ''
  const value = Object.hasOwn(values, name) ? values[name] : undefined
  if (value === undefined) throw new Error(`no value of a template: {${name}}`)
  return value.of
}

/** How values are written into a body of a media type; undefined: they have no place in it. */
export function bodyEscape(type: string): ((value: string) => string) | undefined {
  const [media = ''] = type.toLowerCase().split(';')
  const name = media.trim()
  if (name === 'text/plain') return (value) => value
  if (name === 'application/json' || name.endsWith('+json')) return (value) => JSON.stringify(value).slice(1, -1)
  if (name === 'text/html' || name === 'application/xml' || name === 'text/xml' || name.endsWith('+xml')) return markup
  return undefined
}

function markup(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
