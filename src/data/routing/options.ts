import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import type { MatchConfig, PathPattern, PathSegment, ValueCondition } from '../../core/config.ts'
import { canonicalIpv6 } from '../../lib/ip.ts'
import { hasDotSegment, normalEscapes } from '../../lib/path.ts'
import { byteString } from '../../lib/percent.ts'
import { regexProblem } from '../../lib/regex.ts'
import { byKind, map, mapped, object, oneOrMany, optional } from '../../schema/composites.ts'
import { reference } from '../../schema/mark.ts'
import { type Problem, parsed, pattern, text } from '../../schema/scalars.ts'
import { mismatch, type Schema } from '../../schema/schema.ts'

const HOST = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/
const PARAMETER = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/

/** A host: exact, or `*.` before a name. */
export function hostPattern(): Schema<string> {
  return parsed('a host such as api.example.com or *.example.com', (value): string | Problem => {
    const host = value.toLowerCase().replace(/\.$/, '')
    if (host === '*') return { problem: 'for any host leave the key out' }
    const address = /^\[(.*)\]$/.exec(host)?.[1]
    if (address !== undefined) return bracketed(canonicalIpv6(address))
    if (/^[\d.]+$/.test(host) && isIP(host) === 0) return { problem: 'it is not an IPv4 address' }
    return HOST.test(host) ? host : { problem: hostHint(host) }
  })
}

function bracketed(address: string | undefined): string | Problem {
  return address === undefined ? { problem: 'it is not an IPv6 address' } : `[${address}]`
}

function hostHint(host: string): string {
  if (isIP(host) === 6) return `write [${host}]`
  if (/[/?#]/.test(host)) return 'only the host, without scheme and path'
  if (/:\d+$/.test(host)) return 'hosts are compared without port'
  if (host.includes('*')) return '* stands only for whole labels at the start'
  if (/[^\x00-\x7f]/.test(host)) return `write its ASCII form: ${domainToASCII(host)}`
  return host.split('.').some((label) => label.length > 63) ? 'a label has at most 63 characters' : ''
}

/** A path: `/x`, `/x/*`, `/users/{id}`, or `~ ` and a regular expression. */
export function pathPattern(): Schema<PathPattern> {
  return parsed(
    'a path such as /orders, /orders/*, /users/{id} or "~ ^/v[0-9]+/.*$"',
    (value): PathPattern | Problem => {
      if (value.startsWith('~')) return regexPath(value.slice(1).trim())
      if (!value.startsWith('/')) return { problem: `it must start with a slash: /${value}` }
      return segmentPath(value)
    },
  )
}

function regexPath(source: string): PathPattern | Problem {
  if (source === '') return { problem: 'the regular expression is missing' }
  const problem = regexProblem(source)
  return problem === undefined ? { kind: 'regex', source } : { problem }
}

function segmentPath(source: string): PathPattern | Problem {
  const prefix = source.endsWith('/*')
  const body = prefix ? source.slice(0, -2) : source
  if (body.includes('*')) return { problem: '* may only stand at the end, after a slash; for one segment use {name}' }
  if (/[?#\\\x00-\x20\x7f]/.test(body))
    return { problem: 'a query, a fragment, a backslash or a space cannot stand in it' }
  const normal = normalEscapes(byteString(body))
  if (normal === undefined) return { problem: 'an invalid percent-escape' }
  if (hasDotSegment(normal)) return { problem: 'it has a dot segment; no request can match it' }
  if (/%2F|%5C|%00/.test(normal)) return { problem: 'an escaped slash, backslash or NUL cannot be matched' }
  const segments: PathSegment[] = []
  const names = new Set<string>()
  for (const part of normal === '' ? [] : normal.slice(1).split('/')) {
    const param = PARAMETER.exec(part)?.[1]
    if (param === undefined && /^\{[^{}]+\}$/.test(part))
      return { problem: 'the name of a parameter has letters, digits and "_": {user_id}' }
    if (param === undefined && /[{}]/.test(part)) return { problem: 'a parameter is a whole segment: /users/{id}' }
    if (param !== undefined && names.has(param)) return { problem: `the parameter ${param} is here twice` }
    if (param !== undefined) names.add(param)
    segments.push(param === undefined ? { literal: part } : { param })
  }
  return { kind: 'segments', source, segments, prefix }
}

const OPERATIONS = ['exact', 'prefix', 'suffix', 'contains', 'regex'] as const

const written: Schema<Omit<ValueCondition, 'name'>> = byKind({
  scalar: mapped(text('the exact value'), (value) => ({ op: 'exact' as const, value })),
  map: mapped(
    object({
      present: optional(flag('absent'), 'The field is present, whatever its value.'),
      absent: optional(flag('present'), 'The field is absent.'),
      exact: optional(text(), 'The value equals this text.'),
      prefix: optional(text(), 'The value starts with this text.'),
      suffix: optional(text(), 'The value ends with this text.'),
      contains: optional(text(), 'The value contains this text.'),
      regex: optional(regexText(), 'The value matches this regular expression.'),
    }),
    (value, refuse) => {
      const ops = OPERATIONS.filter((op) => value[op] !== undefined)
      const flags = (['present', 'absent'] as const).filter((op) => value[op] === true)
      if (ops.length + flags.length !== 1)
        return refuse('exactly one of present, absent, exact, prefix, suffix, contains, regex is needed')
      const op = (ops[0] ?? flags[0]) as ValueCondition['op']
      return { op, value: ops[0] === undefined ? '' : (value[ops[0]] as string) }
    },
  ),
})

/** `present:true` is text in YAML; never intended. */
const GLUED = /^(present|absent|exact|prefix|suffix|contains|regex):/

const condition: typeof written = {
  ...written,
  read: (node, at) =>
    node.kind === 'scalar' && !node.quoted && GLUED.test(node.text)
      ? mismatch(node, at, written.expected, 'a space is missing after the colon; text must be quoted')
      : written.read(node, at),
}

function flag(opposite: string): Schema<boolean> {
  const parse = (value: string): true | Problem => {
    if (value === 'true') return true
    return { problem: value === 'false' ? `write ${opposite}: true` : '' }
  }
  return parsed('true', parse, { const: true })
}

function regexText(): Schema<string> {
  return parsed('a regular expression', (value): string | Problem => {
    const problem = regexProblem(value)
    return problem === undefined ? value : { problem }
  })
}

function conditions(key: Schema<string>, lower: boolean): Schema<readonly ValueCondition[]> {
  return mapped(map(key, condition), (entries) =>
    [...entries].map(([name, value]) => ({ name: lower ? name.toLowerCase() : name, ...value })),
  )
}

const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const METHOD = /^[A-Z][A-Z-]*$/

/** Conditions on header fields, all of which must hold. */
export function headerConditions(): Schema<readonly ValueCondition[]> {
  return conditions(pattern('a field name', FIELD_NAME), true)
}

const matchFields = object(
  {
    listeners: optional(
      oneOrMany(reference('listener')),
      'Listeners on which requests come in, by name. Default: any.',
    ),
    host: optional(hostPattern(), 'Short form of hosts with one entry.'),
    hosts: optional(oneOrMany(hostPattern()), 'Hosts, exact or *.example.com. Default: any.'),
    path: optional(pathPattern(), 'Short form of paths with one entry.'),
    paths: optional(oneOrMany(pathPattern()), 'Paths. Default: any.'),
    methods: optional(
      oneOrMany(pattern('a method in capitals such as GET', METHOD)),
      'Methods; GET includes HEAD. Default: any.',
    ),
    headers: optional(headerConditions(), 'Conditions on header fields; all must hold.'),
    query: optional(conditions(text('a query key'), false), 'Conditions on query values; all must hold.'),
  },
  {
    later: ['cookies', 'clientAddress'],
    misplaced: { precedence: 'precedence beside match', method: 'methods', prefix: 'path', regex: 'path' },
  },
)

const oneMatch: Schema<MatchConfig> = mapped(matchFields, (match, refuse) => {
  if (match.host !== undefined && match.hosts !== undefined) return refuse('host is short for hosts: write one of them')
  if (match.path !== undefined && match.paths !== undefined) return refuse('path is short for paths: write one of them')
  return {
    listeners: match.listeners ?? [],
    hosts: match.hosts ?? (match.host === undefined ? [] : [match.host]),
    paths: match.paths ?? (match.path === undefined ? [] : [match.path]),
    methods: match.methods ?? [],
    headers: match.headers ?? [],
    query: match.query ?? [],
  }
})

/** `match`: a map, or a list of such maps of which any may hold. */
export const matchOptions: Schema<readonly MatchConfig[]> = oneOrMany(oneMatch)
