import { type FlatHeaders, removeFields } from '../../lib/headers.ts'

/** What passing through a gateway does to a header field. */
export const Kind = {
  keep: 0,
  /** Hop-by-hop, framing, or replaced by ours. */
  drop: 1,
  connection: 2,
  te: 3,
  via: 4,
  forwardedFor: 5,
  forwardedProto: 6,
  forwardedHost: 7,
  forwardedPort: 8,
  /** Believed from trusted peers only. */
  trustedOnly: 9,
  priorAttempts: 10,
  contentType: 11,
  contentLength: 12,
  explain: 13,
  trailer: 14,
  maxForwards: 15,
} as const

export type KindOf = (typeof Kind)[keyof typeof Kind]

/** RFC 9110, section 7.6.1, and the fields that HTTP/1.1 proxies are known to need removed. */
const HOP_BY_HOP = ['keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings']

/** Fields that only proxies send, besides all X-Forwarded-*: address, URL or certificate of a client. */
const OF_PROXIES = [
  'forwarded',
  'forwarded-for',
  'x-forwarded',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-host',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-url',
  'client-cert',
  'client-cert-chain',
]

/**
 * Fields of a request on its way up. `named`: the fields that the config sets, removes or judges, lower-case. Any field
 * that could be taken for one of these, or for one of ours, is dropped, see `OtherKinds.folds`.
 */
export function requestKinds(correlation: readonly string[], named: Iterable<string>): FieldKinds {
  return new FieldKinds(
    new Map<string, KindOf>([
      ...Array.from(named, (name) => [name, Kind.keep] as const),
      ...HOP_BY_HOP.map((name) => [name, Kind.drop] as const),
      ['host', Kind.drop],
      ['content-length', Kind.drop],
      ['expect', Kind.drop],
      ['trailer', Kind.trailer],
      ['traceparent', Kind.drop],
      ['tracestate', Kind.drop],
      // CGI turns it into HTTP_PROXY, which many clients in upstreams take for their proxy ("httpoxy", CVE-2016-5385).
      ['proxy', Kind.drop],
      ['x-real-ip', Kind.drop],
      ['connection', Kind.connection],
      ['te', Kind.te],
      ['via', Kind.via],
      ['max-forwards', Kind.maxForwards],
      ['x-forwarded-for', Kind.forwardedFor],
      ['x-forwarded-proto', Kind.forwardedProto],
      ['x-forwarded-host', Kind.forwardedHost],
      ['x-forwarded-port', Kind.forwardedPort],
      ...OF_PROXIES.map((name) => [name, Kind.trustedOnly] as const),
      ['sluice-attempt', Kind.priorAttempts],
      ['x-envoy-attempt-count', Kind.priorAttempts],
      ['sluice-timeout-ms', Kind.drop],
      ['sluice-explain', Kind.explain],
      ...correlation.map((name) => [name, Kind.drop] as const),
    ]),
    { sluice: Kind.trustedOnly, forwarded: Kind.trustedOnly, folds: true },
  )
}

/** Fields of a request that a feature makes. */
export function sideKinds(correlation: readonly string[]): FieldKinds {
  const dropped = ['host', 'content-length', 'expect', 'te', 'trailer', 'traceparent', 'tracestate', ...correlation]
  return new FieldKinds(
    new Map<string, KindOf>([
      ...[...HOP_BY_HOP, ...dropped].map((name) => [name, Kind.drop] as const),
      ['connection', Kind.connection],
    ]),
    { sluice: Kind.drop, forwarded: Kind.keep, folds: false },
  )
}

const ANSWERS: OtherKinds = { sluice: Kind.drop, forwarded: Kind.keep, folds: false }

/** Fields of an answer on its way down. All that begin with `sluice-` are written by Sluice only. */
export function responseKinds(correlation: readonly string[]): FieldKinds {
  return new FieldKinds(
    new Map<string, KindOf>([
      ...HOP_BY_HOP.map((name) => [name, Kind.drop] as const),
      ['connection', Kind.connection],
      ['content-type', Kind.contentType],
      ['content-length', Kind.contentLength],
      ['trailer', Kind.trailer],
      ...correlation.map((name) => [name, Kind.drop] as const),
    ]),
    ANSWERS,
  )
}

/**
 * RFC 9110, section 6.5.1: fields that must be known before the content. Framing, routing, request modifiers,
 * authentication, control of the answer, format of the content. A client that merges trailers into the head would believe
 * them.
 */
const NOT_IN_TRAILERS = [
  ...['content-length', 'trailer', 'te'],
  ...['host', 'forwarded', 'via'],
  ...['cache-control', 'expect', 'max-forwards', 'pragma', 'range'],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'],
  ...['authorization', 'proxy-authorization', 'www-authenticate', 'proxy-authenticate', 'cookie', 'set-cookie'],
  ...['age', 'date', 'expires', 'location', 'refresh', 'retry-after', 'vary', 'warning'],
  ...['content-encoding', 'content-type', 'content-range', 'content-location'],
]

/**
 * Trailers of a request on their way up: neither what was dropped, believed of trusted peers or judged in its head, nor what
 * can be taken for that. `named`: see `requestKinds`.
 */
export function requestTrailerKinds(correlation: readonly string[], named: Iterable<string>): FieldKinds {
  const ours = ['proxy', 'traceparent', 'tracestate', 'x-real-ip', 'x-envoy-attempt-count', ...correlation]
  return new FieldKinds(
    new Map<string, KindOf>([
      ...[...HOP_BY_HOP, ...NOT_IN_TRAILERS, ...OF_PROXIES, ...ours, ...named].map(
        (name) => [name, Kind.drop] as const,
      ),
      ['connection', Kind.connection],
    ]),
    { sluice: Kind.drop, forwarded: Kind.drop, folds: true },
  )
}

/** Trailers of an answer on their way down. */
export function trailerKinds(correlation: readonly string[]): FieldKinds {
  return new FieldKinds(
    new Map<string, KindOf>([
      ...[...HOP_BY_HOP, ...NOT_IN_TRAILERS].map((name) => [name, Kind.drop] as const),
      ['connection', Kind.connection],
      ...correlation.map((name) => [name, Kind.drop] as const),
    ]),
    ANSWERS,
  )
}

/** Kinds of the names that are not in a table. */
interface OtherKinds {
  /** Of all `sluice-*`. */
  readonly sluice: KindOf
  /** Of all `x-forwarded-*`. */
  readonly forwarded: KindOf
  /**
   * Names that could be taken for one of the table, or for one of those, are dropped. CGI, WSGI, PHP and others turn a name
   * into a variable: `x_user`, `x.user` and `x-user` all become `HTTP_X_USER` there. Without this a client could forge what is
   * set, removed or judged here.
   */
  readonly folds: boolean
}

interface NamedKind {
  /** Lower-case. */
  readonly name: string
  /** As most write it. */
  readonly usual: string
  readonly kind: KindOf
}

/** Kind of a field by its name in any case. Nothing is kept of names, which clients and upstreams choose. */
export class FieldKinds {
  private readonly others: OtherKinds
  /** By length and first letter; undefined: no name of the table is like that. */
  private readonly table: (NamedKind[] | undefined)[]

  constructor(table: ReadonlyMap<string, KindOf>, others: OtherKinds) {
    this.others = others
    this.table = new Array(32 * (1 + Math.max(...Array.from(table.keys(), (name) => name.length)))).fill(undefined)
    for (const [name, kind] of table) {
      const named = { name, usual: usual(name), kind }
      if (isPlain(name.charCodeAt(0))) this.add(markOf(name), named)
      // It may be imitated with any other punctuation mark in front.
      else for (let mark = 0; mark < 32; mark++) this.add(32 * name.length + mark, named)
    }
  }

  of(name: string): KindOf {
    const candidates = this.table[markOf(name)]
    let imitates = false
    if (candidates !== undefined) {
      for (const candidate of candidates) {
        // Two comparisons of memory spare most names the one by letters.
        if (name === candidate.usual || name === candidate.name) return candidate.kind
        const likeness = likenessOf(name, candidate.name)
        if (likeness === Likeness.same) return candidate.kind
        if (likeness === Likeness.folded) imitates = true
      }
    }
    const { folds, forwarded, sluice } = this.others
    const first = name.charCodeAt(0) | 0x20
    if (first === SMALL_S || first === SMALL_X) {
      const likeness = likenessOf(name, first === SMALL_S ? 'sluice-' : 'x-forwarded-')
      if (likeness === Likeness.same) return first === SMALL_S ? sluice : forwarded
      if (likeness === Likeness.folded) imitates = true
    }
    return imitates && folds ? Kind.drop : Kind.keep
  }

  private add(mark: number, named: NamedKind): void {
    const others = this.table[mark]
    if (others === undefined) this.table[mark] = [named]
    else others.push(named)
  }
}

const SMALL_S = 0x73
const SMALL_X = 0x78

/** `Content-Length` for `content-length`. */
function usual(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (text) => text.toUpperCase())
}

function markOf(name: string): number {
  return (name.length << 5) | (name.charCodeAt(0) & 31)
}

const Likeness = {
  none: 0,
  /** But for punctuation marks. */
  folded: 1,
  same: 2,
} as const

/** How far a name in any case begins with a lower-case one. */
function likenessOf(name: string, lower: string): (typeof Likeness)[keyof typeof Likeness] {
  if (name.length < lower.length) return Likeness.none
  let likeness: (typeof Likeness)[keyof typeof Likeness] = Likeness.same
  for (let i = 0; i < lower.length; i++) {
    const code = name.charCodeAt(i)
    const wanted = lower.charCodeAt(i)
    if (code === wanted || (isUpper(code) && (code | 0x20) === wanted)) continue
    if (isPlain(code) || isPlain(wanted)) return Likeness.none
    likeness = Likeness.folded
  }
  return likeness
}

function isUpper(code: number): boolean {
  return code >= 0x41 && code <= 0x5a
}

/** A letter or digit. */
function isPlain(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || isUpper(code & ~0x20)
}

/** Removes the fields that a `Connection` value names; they are meant for this hop only. `list` is changed in place. */
export function removeNamed(list: string[], connection: string): void {
  if (connection === 'keep-alive' || connection === 'close') return
  const named = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'close' && name !== 'keep-alive')
  if (named.length > 0) removeFields(list, new Set(named))
}

export const CONTENT_LENGTH: ReadonlySet<string> = new Set(['content-length'])

/** End-to-end fields of a 1xx answer, of trailers, or of a request that a feature makes, in their order. `connection`: more options that name fields of this hop. */
export function passedOn(kinds: FieldKinds, headers: FlatHeaders, connection = ''): string[] {
  const out: string[] = []
  let named = connection
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const kind = kinds.of(name)
    if (kind === Kind.connection) named = named === '' ? (headers[i + 1] as string) : `${named},${headers[i + 1]}`
    else if (kind === Kind.keep || kind === Kind.contentType) out.push(name, headers[i + 1] as string)
  }
  if (named !== '') removeNamed(out, named)
  return out
}
