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
 * that could be taken for one of these, or for one of ours, is dropped, see {@link folded}.
 */
export function requestKinds(correlation: readonly string[], named: Iterable<string>): FieldKinds {
  return new FieldKinds(
    new Map<string, KindOf>([
      ...Array.from(named, (name) => [name, Kind.keep] as const),
      ...HOP_BY_HOP.map((name) => [name, Kind.drop] as const),
      ['host', Kind.drop],
      ['content-length', Kind.drop],
      ['expect', Kind.drop],
      ['trailer', Kind.drop],
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

const MEMO = 4096

/** Kinds of the names that are not in a table. */
interface OtherKinds {
  /** Of all `sluice-*`. */
  readonly sluice: KindOf
  /** Of all `x-forwarded-*`. */
  readonly forwarded: KindOf
  /** Names that could be taken for one of the table, or for one of those, are dropped. */
  readonly folds: boolean
}

/** Kind of a field by its name in any case. Clients and upstreams choose the names: the memo is bounded. */
export class FieldKinds {
  private readonly table: ReadonlyMap<string, KindOf>
  private readonly others: OtherKinds
  private readonly memo = new Map<string, KindOf>()
  /** Names of the table, {@link folded}. */
  private readonly plain: ReadonlySet<string>
  /** By length and first letter: whether a name can be in the table. Spares most fields the look-up. */
  private readonly marks: Uint8Array

  constructor(table: ReadonlyMap<string, KindOf>, others: OtherKinds) {
    this.table = table
    this.others = others
    this.plain = new Set(others.folds ? Array.from(table.keys(), folded) : [])
    this.marks = new Uint8Array(32 * (1 + Math.max(...Array.from(table.keys(), (name) => name.length))))
    for (const name of table.keys()) {
      if (/^[a-z0-9]/.test(name)) this.marks[markOf(name)] = 1
      // Other names may have any punctuation mark in its place.
      else this.marks.fill(1, 32 * name.length, 32 * (name.length + 1))
    }
  }

  of(name: string): KindOf {
    const first = name.charCodeAt(0) | 0x20
    if (this.marks[markOf(name)] !== 1 && first !== SMALL_S && !(first === SMALL_X && isForwarded(name))) {
      return Kind.keep
    }
    const known = this.memo.get(name)
    if (known !== undefined) return known
    const kind = this.classify(name.toLowerCase())
    if (this.memo.size < MEMO) this.memo.set(name, kind)
    return kind
  }

  private classify(lower: string): KindOf {
    const { folds, forwarded, sluice } = this.others
    const kind = this.table.get(lower)
    if (kind !== undefined) return kind
    if (lower.startsWith('sluice-')) return sluice
    if (lower.startsWith('x-forwarded-')) return forwarded
    if (!folds) return Kind.keep
    const plain = folded(lower)
    const imitates = this.plain.has(plain) || plain.startsWith('sluice-') || plain.startsWith('x-forwarded-')
    return imitates ? Kind.drop : Kind.keep
  }
}

const SMALL_F = 0x66
const SMALL_S = 0x73
const SMALL_X = 0x78

function markOf(name: string): number {
  return (name.length << 5) | (name.charCodeAt(0) & 31)
}

/** Whether a name that begins with an x may be one of `x-forwarded-*`. */
function isForwarded(name: string): boolean {
  return (name.charCodeAt(2) | 0x20) === SMALL_F
}

/**
 * A lower-case name as CGI, WSGI, PHP and others turn it into a variable: `x_user`, `x.user` and `x-user` all become
 * `HTTP_X_USER` there. Without this a client could forge what is set, removed or judged here.
 */
function folded(lower: string): string {
  return lower.replace(/[^a-z0-9]/g, '-')
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
