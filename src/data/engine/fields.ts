/** What the way through a gateway does to a header field. */
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
  offeredTimeout: 11,
  contentType: 12,
  contentLength: 13,
  explain: 14,
  trailer: 15,
} as const

export type KindOf = (typeof Kind)[keyof typeof Kind]

/** RFC 9110, section 7.6.1, and the fields that HTTP/1.1 proxies are known to need removed. */
const HOP_BY_HOP = ['keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings']

/** Fields of a request on its way up. */
export function requestKinds(correlation: readonly string[]): FieldKinds {
  return new FieldKinds(
    new Map<string, KindOf>([
      ...HOP_BY_HOP.map((name) => [name, Kind.drop] as const),
      ['host', Kind.drop],
      ['content-length', Kind.drop],
      ['expect', Kind.drop],
      ['trailer', Kind.drop],
      ['traceparent', Kind.drop],
      ['tracestate', Kind.drop],
      ['connection', Kind.connection],
      ['te', Kind.te],
      ['via', Kind.via],
      ['x-forwarded-for', Kind.forwardedFor],
      ['x-forwarded-proto', Kind.forwardedProto],
      ['x-forwarded-host', Kind.forwardedHost],
      ['x-forwarded-port', Kind.forwardedPort],
      ['forwarded', Kind.trustedOnly],
      ['sluice-attempt', Kind.priorAttempts],
      ['x-envoy-attempt-count', Kind.priorAttempts],
      ['sluice-timeout-ms', Kind.offeredTimeout],
      ['sluice-explain', Kind.explain],
      ...correlation.map((name) => [name, Kind.drop] as const),
    ]),
    Kind.trustedOnly,
  )
}

/** Fields of an answer on its way down. All that begin with `sluice-` are ours to say. */
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
    Kind.drop,
  )
}

/**
 * RFC 9110, section 6.5.1: what must be known before the content. Framing, routing, request modifiers, authentication,
 * control of the answer, format of the content. A client that merges trailers into the head would believe them.
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
    Kind.drop,
  )
}

const MEMO = 4096

/** Kind of a field by its name in any case. Others choose the names: the memo is bounded. */
export class FieldKinds {
  private readonly table: ReadonlyMap<string, KindOf>
  private readonly ours: KindOf
  private readonly memo = new Map<string, KindOf>()
  /** Lengths of the names in the table. */
  private readonly lengths: readonly boolean[]

  constructor(table: ReadonlyMap<string, KindOf>, ours: KindOf) {
    this.table = table
    this.ours = ours
    const lengths = new Set(Array.from(table.keys(), (name) => name.length))
    this.lengths = Array.from({ length: Math.max(...lengths) + 1 }, (_, length) => lengths.has(length))
  }

  of(name: string): KindOf {
    // Most names need no look-up: nothing in the table is as long, and only ours begin with an s.
    if (this.lengths[name.length] !== true && (name.charCodeAt(0) | 0x20) !== 0x73) return Kind.keep
    const known = this.memo.get(name)
    if (known !== undefined) return known
    const lower = name.toLowerCase()
    const kind = this.table.get(lower) ?? (lower.startsWith('sluice-') ? this.ours : Kind.keep)
    if (this.memo.size < MEMO) this.memo.set(name, kind)
    return kind
  }
}

/**
 * Takes out the fields that a `Connection` value names; they are meant for this hop only. `list` is changed in place.
 */
export function removeNamed(list: string[], connection: string): void {
  if (connection === 'keep-alive' || connection === 'close') return
  const named = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'close' && name !== 'keep-alive')
  if (named.length === 0) return
  let kept = 0
  for (let i = 0; i < list.length; i += 2) {
    if (named.includes((list[i] as string).toLowerCase())) continue
    list[kept++] = list[i] as string
    list[kept++] = list[i + 1] as string
  }
  list.length = kept
}
