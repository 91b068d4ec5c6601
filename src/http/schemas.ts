import { isIP } from 'node:net'
import { UNIX_PEER } from '../lib/address.ts'
import { hostOf } from '../lib/authority.ts'
import { hasDotSegment, normalEscapes } from '../lib/path.ts'
import { byteString } from '../lib/percent.ts'
import { map, mapped, object, offOr, required, withDefault } from '../schema/composites.ts'
import { duration, integer, type Problem, parsed } from '../schema/scalars.ts'
import type { Schema } from '../schema/schema.ts'
import { type TemplateText, template } from '../schema/template.ts'
import { type FieldMap, isOwnField } from './fields.ts'
import { FAILURE_VALUES, type TemplateValues } from './template.ts'

/** A path of the config, read as its normal form. */
export function path(): Schema<string> {
  return parsed('a path such as /orders', readPath)
}

/** A path that may hold `{name}` for parameters of the route; the rest in normal form. */
export function pathTemplate(): Schema<TemplateText> {
  return template({ expected: 'a path such as /v2/users/{id}', values: [], form: 'path', check: readPath })
}

function readPath(text: string): string | Problem {
  if (!text.startsWith('/')) return { problem: 'it must start with a slash' }
  if (/[?#\\\x00-\x20\x7f]/.test(text))
    return { problem: 'a query, a fragment, a backslash or a space cannot stand in it' }
  const normal = normalEscapes(byteString(text))
  if (normal === undefined) return { problem: 'an invalid percent-escape' }
  return hasDotSegment(normal) ? { problem: 'it has a dot segment' } : normal
}

/** A prefix of paths and what stands in its place. */
export const prefixSchema = object({
  from: required(path(), 'Prefix of the path to replace, in whole segments.'),
  to: required(path(), 'Path that replaces the prefix; / removes it.'),
})

const LABEL = '[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?'
const NAME = `(${LABEL}(\\.${LABEL})*|\\[[0-9A-Fa-f:.]+\\])`

/** A name or address, IPv6 in brackets, without a port. */
export function hostName(): Schema<string> {
  return hostLike('a host such as www.example.com', `^${NAME}$`)
}

/** A name or address with an optional port. */
export function host(): Schema<string> {
  return hostLike('preserve, upstream, or a host such as www.example.com or 10.0.0.1:8080', `^${NAME}(:[0-9]{1,5})?$`)
}

function hostLike(expected: string, source: string): Schema<string> {
  const regex = new RegExp(source)
  return parsed(expected, (text): string | Problem => {
    if (!regex.test(text)) return { problem: '' }
    return hostOf(text) === undefined ? { problem: 'no host with a port of at most 65535' } : text.toLowerCase()
  })
}

/** The name of a field that the config may change. */
export function fieldName(): Schema<string> {
  return parsed('a header field name that you may change', (text): string | Problem => {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) return { problem: 'names hold letters, digits and "-"' }
    return isOwnField(text)
      ? { problem: 'framing, hop-by-hop and sluice-* fields are written by Sluice itself; Host is rewrite.host' }
      : text
  })
}

/** Fields by name; their values may name `values`. */
export function fields(values: TemplateValues): Schema<FieldMap> {
  const check = (text: string): string | Problem =>
    /[\x00-\x08\x0a-\x1f\x7f]/.test(text) || text.trim() !== text
      ? { problem: 'a control character, or a space at its ends, cannot stand in it', hidden: true }
      : text
  const value = template({
    expected: 'a header field value',
    values: Object.keys(values),
    elsewhere: Object.keys(FAILURE_VALUES),
    form: 'text',
    check,
    // Values that carry tokens often come from the environment.
    hidden: true,
    json: { type: ['string', 'number', 'boolean'] },
  })
  return mapped(map(fieldName(), value), (entries, refuse) => {
    const names = [...entries.keys()].map((name) => name.toLowerCase())
    const twice = names.find((name, i) => names.indexOf(name) !== i)
    return twice === undefined ? Object.fromEntries(entries) : refuse(`${JSON.stringify(twice)} is given twice`)
  })
}

const CLASSES = ['connect', 'reset', 'timeout', '5xx']

/** What an attempt may come to if it did not succeed. */
export const condition: Schema<string | number> = classOrStatus(CLASSES, 400)

/** Why there may be no answer. */
export const troubleCondition: Schema<string | number> = classOrStatus(['unavailable', ...CLASSES], 500)

function classOrStatus(classes: readonly string[], least: number): Schema<string | number> {
  return parsed(
    `${classes.join(', ')} or a status such as 503`,
    (text): string | number | Problem => {
      if (classes.includes(text)) return text
      const status = Number(text)
      return /^\d{3}$/.test(text) && status >= least && status <= 599
        ? status
        : { problem: /^\d{3}$/.test(text) ? `only statuses from ${least} to 599 can be failures` : '' }
    },
    { anyOf: [{ enum: [...classes] }, { type: 'integer', minimum: least, maximum: 599 }] },
  )
}

/** A block of addresses, or one address. */
export function cidr(): Schema<string> {
  return parsed('a network such as 10.0.0.0/8, or an address', (value): string | Problem =>
    isBlock(value) ? value : { problem: '' },
  )
}

/** The same, or the peers that come over sockets with a path. */
export function peerNetwork(): Schema<string> {
  return parsed('a network such as 10.0.0.0/8, an address, or unix', (value): string | Problem =>
    value === UNIX_PEER || isBlock(value) ? value : { problem: '' },
  )
}

function isBlock(value: string): boolean {
  const [address, bits, ...rest] = value.split('/') as [string, string?, ...string[]]
  const version = isIP(address)
  const longest = version === 4 ? 32 : 128
  const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest)
  return version !== 0 && fits && rest.length === 0
}

/** Limits on the life of each connection. `age`, `requests`: what they do, as sentences. */
export function lifeKeys(age: string, requests: string) {
  return {
    maxAge: withDefault(offOr(duration(1_000)), '1h', `${age} off: no limit.`),
    maxRequests: withDefault(offOr(integer(1, 1_000_000_000)), 100_000, `${requests} off: no limit.`),
  }
}
