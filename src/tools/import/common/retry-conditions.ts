/** What `retries.when` says for the words of proxy_next_upstream; empty: nothing of its own. */
const CONDITIONS: Readonly<Record<string, readonly (string | number)[]>> = {
  error: ['connect', 'reset'],
  timeout: ['timeout'],
  http_403: [403],
  http_404: [404],
  http_429: [429],
  http_500: [500],
  http_502: [502],
  http_503: [503],
  http_504: [504],
}

/** Methods that nginx repeats once bytes were sent only with `non_idempotent`. */
const UNSAFE = ['POST', 'PATCH', 'LOCK']
const SAFE = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']

export interface RetryConditions {
  /** Undefined: no retries at all. */
  readonly when: readonly (string | number)[] | undefined
  readonly methods: readonly string[] | undefined
  /** Words that have no counterpart. */
  readonly unknown: readonly string[]
}

/** Reads `error timeout http_502 non_idempotent`. */
export function retryConditions(words: readonly string[]): RetryConditions {
  const when = words.flatMap((word) => CONDITIONS[word] ?? [])
  return {
    when: words.includes('off') || when.length === 0 ? undefined : when,
    methods: words.includes('non_idempotent') ? [...SAFE, ...UNSAFE] : undefined,
    unknown: words.filter((word) => !Object.hasOwn(CONDITIONS, word) && word !== 'off' && word !== 'non_idempotent'),
  }
}
