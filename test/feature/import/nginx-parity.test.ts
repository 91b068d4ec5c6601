import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Nginx, startNginxWith, withoutNginx } from '../../kit/nginx.ts'
import { fetchRaw, type Sluice, startSluice } from '../../kit/sluice.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { sluice } from '../cli/cli.ts'
import { outcomeOf } from './outcome.ts'

/** `@A`, `@B`, `@C` stand for upstreams, `@LISTEN` for the address of nginx. */
interface Site {
  readonly http: string
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
}

const SITES: Readonly<Record<string, Site>> = {
  'prefixes, exact paths and rewrites': {
    http: `
  default_type text/plain;
  root /nonexistent;
  upstream pages { server @A weight=2; server @A2; }
  proxy_set_header X-Static "of nginx";
  server {
    listen @LISTEN default_server;
    server_name _;
    location / { proxy_pass http://@C; }
    location /closed { return 403; }
  }
  server {
    listen @LISTEN;
    server_name shop.example.com www.shop.example.com;
    rewrite ^/archive/(.*)$ /posts/$1 permanent;
    rewrite ^/about$ https://www.example.com/company redirect;
    location / {
      proxy_pass http://pages;
      proxy_set_header Host $host;
      proxy_set_header X-Shop yes;
      proxy_set_header X-Drop "";
    }
    location /api/ { proxy_pass http://@B/v1/; }
    location /api/raw/ { proxy_pass http://@B; proxy_set_header Host $http_host; }
    location /plain { proxy_pass http://@B/base; add_header X-Plain "1" always; proxy_hide_header X-Seen; }
    location = /exact { proxy_pass http://@C/other; }
    location = / { return 200 "home"; }
    location /text/ { return 200 "text"; }
    location /gone { return 410; }
    location "/with space/" { proxy_pass http://@C/spaced/; }
    location "/more space/" { return 200 "more"; }
    location /both { return 200 "one"; }
    location /both/ { return 200 "two"; }
    location /locked { deny all; }
    location /lockedout/ { return 200 "out"; }
    location /moved { return 301 https://other.example.com$request_uri; }
    location /fixed { return 302 /api/; }
    location /break/ { rewrite ^/break/(.*)$ /cut/$1 break; proxy_pass http://@B; }
    location /inside/ { internal; proxy_pass http://@B; }
    location /secret/ { deny all; }
    location /outer/ {
      proxy_pass http://@B;
      location /outer/inner/ { proxy_pass http://@C; }
    }
  }
  server {
    listen @LISTEN;
    server_name *.wild.example.com;
    location /only/ { proxy_pass http://@B/; }
  }`,
    hosts: [
      'shop.example.com',
      'WWW.shop.example.com:8080',
      'x.wild.example.com',
      'a.b.wild.example.com',
      'wild.example.com',
      'other.org',
    ],
    paths: [
      '/',
      '/?q=1',
      '/index.html',
      '/api',
      '/api/',
      '/api/x',
      '/api/x/y?z=1',
      '/api/raw',
      '/api/raw/a%20b',
      '/api/a%20b',
      '/api/%41',
      '/plain',
      '/plain/',
      '/plain/x',
      '/exact',
      '/exact/',
      '/exact?x',
      '/text',
      '/text/',
      '/text/x',
      '/gone',
      '/gone/x',
      '/moved/a?b=c',
      '/fixed',
      '/archive',
      '/archive/2024/a?b',
      '/about',
      '/about/us',
      '/break',
      '/break/x/y',
      '/inside/x',
      '/secret/x',
      '/outer/x',
      '/outer/inner/x',
      '/outer/inner',
      '//gone',
      '/api//x',
      '/only',
      '/only/x',
      '/closed',
      '/closed/x',
      '/caf%C3%A9',
      '/a;b=c',
      '/~user/',
      '/with%20space',
      '/with%20space/x%20y',
      '/more%20space',
      '/more%20space/x',
      '/both',
      '/both/',
      '/both/x',
      '/locked',
      '/locked/x',
      '/lockedx',
      '/lockedout/x',
      '/lockedout',
    ],
  },
  'regular expressions': {
    http: `
  default_type text/plain;
  root /nonexistent;
  server {
    listen @LISTEN;
    server_name first.example.com;
    rewrite ^/archive/(.*)$ /posts/$1 permanent;
    location ^~ /fix/ { return 200 "fix"; }
    location / { proxy_pass http://@A; }
    location ~* \\.(png|jpe?g)$ { proxy_pass http://@B; }
    location ~ ^/v[0-9]+/ { proxy_pass http://@C; }
    location ~ "^/id/[a-f]{2,4}$" { return 200 "id"; }
    location ^~ /assets/ { proxy_pass http://@C; }
    location = /v1/exact.png { return 204; }
    location /v1/ { proxy_pass http://@B; }
    location /deep/ { proxy_pass http://@B/shallow/; }
    location ~ /\\.ht { deny all; }
  }
  server {
    listen @LISTEN;
    server_name .second.example.com;
    location ~ ^/(a|b)/x$ { proxy_pass http://@B; }
    location /a/ { proxy_pass http://@A; }
  }
  server {
    listen @LISTEN;
    server_name x.second.example.com;
    location / { return 200 "x"; }
  }`,
    hosts: ['first.example.com', 'unknown.org', 'second.example.com', 'y.second.example.com', 'x.second.example.com'],
    paths: [
      '/',
      '/x',
      '/a.png',
      '/a.PNG',
      '/a.jpeg?x',
      '/a.pngx',
      '/v1',
      '/v1/',
      '/v1/x',
      '/v22/a.png',
      '/v2/x',
      '/vx/y',
      '/id/ab',
      '/id/abcde',
      '/id/AB',
      '/assets',
      '/assets/a.png',
      '/assets/v1/',
      '/v1/exact.png',
      '/deep',
      '/deep/x',
      '/deep/x.png',
      '/.htaccess',
      '/x/.ht/y',
      '/a/x',
      '/b/x',
      '/c/x',
      '/a/',
      '/a/y',
      '/a',
      '/A/x',
      '/fix',
      '/fix/a.png',
      '/archive',
      '/archive/a.png',
    ],
  },
}

describe.skipIf(withoutNginx())('nginx and Sluice on what was imported of it', () => {
  let upstreams: readonly TestUpstream[]

  beforeAll(async () => {
    upstreams = await Promise.all(
      Array.from({ length: 4 }, () =>
        testUpstream((req, res) => {
          req.resume()
          res.setHeader('x-seen', 'yes')
          res.end('upstream')
        }),
      ),
    )
  })

  afterAll(() => Promise.all(upstreams.map((upstream) => upstream.close())))

  describe.each(Object.entries(SITES))('%s', (_, { hosts, http, paths }) => {
    let nginx: Nginx | undefined
    let gateway: Sluice | undefined

    beforeAll(async () => {
      const [a, a2, b, c] = upstreams.map(({ port }) => `127.0.0.1:${port}`) as [string, string, string, string]
      nginx = await startNginxWith((port) =>
        http
          .replaceAll('@LISTEN', `127.0.0.1:${port}`)
          .replaceAll('@A2', a2)
          .replaceAll('@A', a)
          .replaceAll('@B', b)
          .replaceAll('@C', c),
      )
      const { stdout } = await sluice('/', ['import', 'nginx', nginx.conf])
      const listen = 'listen: "127.0.0.1:0"'
      const yaml = stdout.replace(`listen: 127.0.0.1:${nginx.port}`, listen)
      gateway = await startSluice(`${yaml}admin: { ${listen} }\nprobes: { ${listen} }\n`)
    })

    afterAll(async () => {
      // One of them may not have started.
      await Promise.all([gateway?.stop(), nginx?.stop()])
    })

    it('answer every request alike', async () => {
      const cases = hosts.flatMap((host) => paths.map((path) => ({ host, path })))
      expect(cases.length).toBeGreaterThan(100)
      if (nginx === undefined || gateway === undefined) throw new Error('not started')
      const differ: object[] = []
      for (const { host, path } of cases) {
        const outcome = (port: number): Promise<object> =>
          outcomeOf(upstreams, host, port, (headers) => fetchRaw(port, 'GET', path, headers))
        const [theirs, ours] = [await outcome(nginx.port), await outcome(gateway.port('web'))]
        if (asMatched(theirs) !== asMatched(ours)) differ.push({ host, path, theirs, ours })
      }
      expect(differ).toEqual([])
    })
  })
})

/** nginx matches on merged slashes but may send on what came; Sluice sends on what it matched. */
function asMatched(outcome: object): string {
  return JSON.stringify(outcome).replaceAll(/("target":"[^"]*?)\/\/+/g, '$1/')
}
