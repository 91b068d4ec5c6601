import type { Random } from '../../../src/lib/random.ts'

const HOSTS = ['a.test', '*.a.test', '*.test', 'b.a.test', 'x.y.b.a.test', '[::1]', '10.0.0.1']
const PATHS = [
  '/',
  '/*',
  '/a',
  '/a/*',
  '/a/b',
  '/a/b/*',
  '/a/{id}',
  '/a/{id}/b/*',
  '/{id}/b',
  '/{x}/{id}',
  '~ ^/a/[0-9]+$',
  '~ ^/.*b$',
  '/a b'.replace(' ', '%20'),
]
const SENT_HOSTS = [
  'a.test',
  'A.TEST',
  'b.a.test',
  'b.a.test:8080',
  'x.y.b.a.test.',
  'c.test',
  'test',
  '[::1]:80',
  '10.0.0.1',
  'bad host',
  '',
]
const SENT_PATHS = [
  '/',
  '/a',
  '/a/',
  '/a/b',
  '/a/b/c',
  '/a/7',
  '/a/7/b/x',
  '/q/b',
  '/%61/b',
  '/a%2Fb',
  '/a/../b',
  '/a/%2e%2e/b',
  '//a',
  '/a//b',
  '/a%5Cb',
  '/a%00b',
  '/a%20b',
  '/%zz',
  '/a;x=1',
  '/a;x=1/b',
  '/a/7;x/b',
  '//a/b',
  '/a/b//c',
  '/%2561/b',
  '/a%2fb%2Fx',
  '*',
  '/%C3%A9',
]
const QUERIES = ['', '', '', '?v=1', '?v=2&v=1', '?w', '?v=%31&token=x', '?']
const METHODS = ['GET', 'GET', 'GET', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'BREW', 'M'.repeat(33), 'CONNECT']
const FIELDS: readonly (readonly [string, string])[] = [
  ['X-Version', '1'],
  ['x-version', '2'],
  ['x-debug', 'yes'],
  ['via', '1.1 gw'],
  ['via', '1.0 other'],
  ['connection', 'x-debug'],
  ['te', 'trailers'],
  ['x-forwarded-for', '198.51.100.7, 10.0.0.9'],
  ['x-forwarded-proto', 'https'],
  ['sluice-timeout-ms', '500'],
  ['x-request-id', 'abc'],
  ['X_Forwarded_For', '1.2.3.4'],
  ['upgrade', 'websocket'],
  ['expect', 'later'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
]
const CONDITIONS = ['1', { present: true }, { absent: true }, { prefix: '1' }, { regex: '^[12]$' }]

/** A request as it could come over a socket of a listener. */
export interface GeneratedRequest {
  readonly method: string
  /** With query; absolute form or not. */
  readonly target: string
  /** Empty: no Host field. */
  readonly host: string
  readonly headers: readonly string[]
  readonly from: string
}

export class Generator {
  private readonly random: Random

  constructor(random: Random) {
    this.random = random
  }

  /** A config of some routes below `top`, as JSON text, which is YAML, too. Most of them load; some have ties. */
  config(top: object, upstreamUrl: (name: string) => string): string {
    const names = ['u1', 'u2', 'u3']
    const upstreams = Object.fromEntries(names.map((name) => [name, { endpoints: [upstreamUrl(name)] }]))
    const count = 1 + this.below(7)
    const routes = Object.fromEntries(Array.from({ length: count }, (_, i) => [`r${i}`, this.route(i)]))
    return JSON.stringify({
      apiVersion: 'sluice/v1',
      gateway: { name: 'gw' },
      trust: { proxies: this.chance(0.5) ? ['192.0.2.0/24'] : [] },
      ...top,
      pathPolicy: {
        dots: this.pick(['refuse', 'normalise']),
        slashes: this.pick(['check', 'check', 'merge', 'keep', 'refuse']),
        parameters: this.pick(['check', 'check', 'keep', 'refuse']),
      },
      defaults: { route: this.chance(0.5) ? { headers: { request: { set: { 'x-default': 'd' } } } } : {} },
      profiles: { p: { headers: { request: { remove: ['x-debug'] }, response: { set: { 'x-p': '1' } } } } },
      upstreams,
      routes,
    })
  }

  request(): GeneratedRequest {
    const headers = Array.from({ length: this.below(4) }, () => this.pick(FIELDS)).flat()
    const [host, path] = [this.pick(SENT_HOSTS), this.pick(SENT_PATHS)]
    const target = path === '*' ? path : path + this.pick(QUERIES)
    const absolute = path.startsWith('/') && this.chance(0.1)
    return {
      method: this.pick(METHODS),
      target: absolute ? `http://a.test${target}` : target,
      host: absolute ? 'b.a.test' : host,
      headers,
      from: this.chance(0.5) ? '192.0.2.7' : '198.51.100.1',
    }
  }

  private route(i: number): object {
    const match = Array.from({ length: 1 + this.below(2) }, () => this.match())
    // A precedence of its own keeps most configs free of ties.
    const precedence = this.chance(0.5) ? i : 0
    const ways = [
      { redirect: { host: 'new.test', ...(this.chance(0.5) ? { path: '/moved' } : {}), status: 308 } },
      { redirect: { replacePrefix: { from: '/a', to: '/z' } } },
      { respond: { status: 418, body: 'no', headers: { 'x-own': '1' } } },
      ...Array.from({ length: 5 }, () => this.forwarding()),
    ]
    const use = this.chance(0.3) ? { use: 'p' } : {}
    const slashes = this.chance(0.3) ? { encodedSlashes: this.pick(['keep', 'refuse']) } : {}
    return { match, precedence, ...use, ...slashes, ...this.pick(ways) }
  }

  private match(): object {
    const { random } = this
    return {
      ...(this.chance(0.6) ? { host: this.pick(HOSTS) } : {}),
      ...(this.chance(0.8) ? { paths: [this.pick(PATHS)] } : {}),
      ...(this.chance(0.3) ? { methods: this.pick([['GET'], ['POST', 'PUT'], ['HEAD']]) } : {}),
      ...(this.chance(0.2) ? { headers: { 'x-version': this.pick(CONDITIONS) } } : {}),
      ...(random.float() < 0.2 ? { query: { v: this.pick(CONDITIONS) } } : {}),
    }
  }

  private forwarding(): object {
    const to = this.chance(0.3)
      ? [
          { upstream: 'u1', weight: 3 },
          { upstream: 'u2', weight: 1 },
        ]
      : this.pick(['u1', 'u2'])
    const rewrites = [
      {},
      { rewrite: { stripPrefix: '/a' } },
      { rewrite: { replacePrefix: { from: '/a', to: '/z' } } },
      { rewrite: { path: '/fixed', host: 'upstream' } },
      { rewrite: { host: 'in.test' } },
    ]
    const headers = this.chance(0.4)
      ? { headers: { request: { set: { 'x-set': 's' }, add: { 'x-version': '9' } } } }
      : {}
    const hedge = this.chance(0.2) ? { hedge: this.chance(0.5) ? {} : 'off' } : {}
    return { to, ...hedge, ...(this.chance(0.3) ? { failover: ['u3'] } : {}), ...this.pick(rewrites), ...headers }
  }

  private below(bound: number): number {
    return this.random.uint32() % bound
  }

  private chance(share: number): boolean {
    return this.random.float() < share
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }
}
