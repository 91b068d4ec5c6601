import type { Plain } from '../common/draft.ts'

/** What the annotations of one Ingress ask for, in the words of a Sluice file. */
export interface Settings {
  /** Keys of its upstreams. */
  readonly upstream: Record<string, Plain>
  readonly loadBalancing: Record<string, Plain>
  scheme: 'http' | 'https'
  /** Keys of its routes. */
  readonly route: Record<string, Plain>
  readonly timeouts: Record<string, Plain>
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
  /** Nobody may pass, or nothing can answer: the status for all. */
  closed: 403 | 501 | undefined
}

export function emptySettings(): Settings {
  return {
    upstream: {},
    loadBalancing: {},
    scheme: 'http',
    route: {},
    timeouts: {},
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
