import type { Plain, Plains } from '../common/draft.ts'
import { inUnits, millisecondsOf } from '../common/times.ts'

/** What ingress-nginx does by default: three attempts, each of which may be silent for a minute. */
const READ = 60_000
const ATTEMPTS = 3
/** The longest that Sluice knows, milliseconds. */
const MOST = 7 * 86_400_000

/** As `defaults.route` of the file. */
export const ROUTE_DEFAULTS = {
  timeouts: { request: inUnits(READ * ATTEMPTS), attempt: inUnits(READ), idle: inUnits(READ), stream: inUnits(READ) },
  retries: { maxExtra: ATTEMPTS - 1, when: ['connect', 'reset', 'timeout'] },
}

/** What the annotations of one Ingress ask for, in the words of a Sluice file. */
export interface Settings {
  /** Keys of its upstreams. */
  readonly upstream: Record<string, Plain>
  readonly loadBalancing: Record<string, Plain>
  scheme: 'http' | 'https'
  /** Keys of its routes. */
  readonly route: Record<string, Plain>
  /** How long each attempt may be silent; undefined: as long as by default. */
  read: string | undefined
  readonly retries: Record<string, Plain>
  retriesOff: boolean
  readonly requestHeaders: Record<string, Plain>
  host: string | undefined
  rewriteTarget: string | undefined
  useRegex: boolean
  /** In the place of the upstream. */
  redirect: Record<string, Plain> | undefined
  redirectStatus: number | undefined
  appRoot: string | undefined
  wwwRedirect: boolean
  readonly aliases: string[]
  readonly canary: {
    on: boolean
    weight: number
    total: number
    header: string | undefined
    value: string | undefined
    pattern: string | undefined
  }
  /** All requests are refused, or nothing can answer: the status for all. */
  closed: 403 | 501 | undefined
}

export function emptySettings(): Settings {
  return {
    upstream: {},
    loadBalancing: {},
    scheme: 'http',
    route: {},
    read: undefined,
    retries: {},
    retriesOff: false,
    requestHeaders: {},
    host: undefined,
    rewriteTarget: undefined,
    useRegex: false,
    redirect: undefined,
    redirectStatus: undefined,
    appRoot: undefined,
    wwwRedirect: false,
    aliases: [],
    canary: { on: false, weight: 0, total: 100, header: undefined, value: undefined, pattern: undefined },
    closed: undefined,
  }
}

/** `timeouts` of its routes; undefined: those of {@link ROUTE_DEFAULTS}. */
export function timeoutsOf({ read, retries, retriesOff }: Settings): Plains | undefined {
  const attempts = retriesOff ? 1 : ((retries.maxExtra as number | undefined) ?? ATTEMPTS - 1) + 1
  if (read === undefined && attempts === ATTEMPTS) return undefined
  const time = Math.min(millisecondsOf(read) ?? READ, MOST)
  const request = inUnits(Math.min(time * attempts, MOST))
  const attempt = attempts === 1 ? 'off' : read
  return { request, attempt, idle: read, stream: read }
}
