/** The facts of a line of the access log that replaying needs. */
export interface Recorded {
  readonly method: string
  readonly host: string
  readonly path: string
  /** With the leading `?`, or empty; values may be masked. */
  readonly query: string
  readonly headers: Readonly<Record<string, unknown>>
  /** Its name; empty where the line has none. */
  readonly listener: string
  /** undefined: none matched. */
  readonly route: string | undefined
  /** Of the last attempt; undefined: there was none, or it was under another route. */
  readonly upstream: string | undefined
  readonly reason: string | undefined
}

const NOTHING: Readonly<Record<string, unknown>> = {}

/** Reads a line; undefined: it is none of the access log. `own`: of a request that Sluice made itself. */
export function readLine(line: string): Recorded | 'own' | undefined {
  let fields: Readonly<Record<string, unknown>>
  try {
    fields = JSON.parse(line) as typeof fields
  } catch {
    return undefined
  }
  if (typeof fields !== 'object' || fields === null) return undefined
  const {
    host = '',
    kind,
    listener,
    matched_headers: headers = NOTHING,
    method,
    path,
    query = '',
    reason,
    rerouted,
    route,
    upstream,
  } = fields
  if (typeof kind === 'string') return 'own'
  if (typeof method !== 'string' || typeof path !== 'string' || typeof host !== 'string') return undefined
  if (typeof query !== 'string' || typeof headers !== 'object' || headers === null) return undefined
  return {
    method,
    host,
    path,
    query,
    headers: headers as Recorded['headers'],
    listener: text(listener) ?? '',
    route: text(route),
    upstream: rerouted === undefined ? text(upstream) : undefined,
    reason: text(reason),
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
