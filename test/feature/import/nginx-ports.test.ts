import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Nginx, startNginxWith, withoutNginx } from '../../kit/nginx.ts'
import { fetchByTls, fetchRaw, type Sluice, startSluice } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { testAuthority } from '../../kit/tls.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { sluice } from '../cli/cli.ts'
import { outcomeOf } from './outcome.ts'

/** `@WEB`, `@TLS` and `@ADMIN` stand for ports, `@A` to `@D` for upstreams. */
const HTTP = `
  default_type text/plain;
  root /nonexistent;
  proxy_set_header Host $host;
  server {
    listen @WEB default_server;
    server_name _;
    return 301 https://$host$request_uri;
  }
  server {
    listen @TLS ssl;
    server_name shop.example.com www.shop.example.com;
    location / { proxy_pass http://@C; }
    location /api/ { proxy_pass http://@D/; }
  }
  server {
    if ($host = certbot.example.com) {
      return 301 https://$host$request_uri;
    }
    listen @WEB;
    server_name certbot.example.com only.certbot.example.com;
    return 404;
  }
  server {
    listen @WEB;
    server_name old.example.com;
    location / { rewrite ^(.*)$ https://www.example.com$1 permanent; }
  }
  server {
    listen @WEB;
    server_name www.example.com older.example.com;
    rewrite ^ https://$server_name$request_uri? permanent;
  }
  server {
    listen @TLS ssl default_server;
    server_name certbot.example.com;
    location / { proxy_pass http://@D; }
  }
  server {
    listen @WEB;
    listen @TLS;
    server_name both.example.com alias.example.com;
    if ($scheme != https) { return 308 https://$server_name$request_uri; }
    location /x { proxy_pass http://@C; }
  }
  server {
    listen @WEB;
    server_name .wild.example.com;
    location /only/ { proxy_pass http://@C; }
  }
  server {
    listen @WEB;
    listen @ADMIN;
    server_name shared.example.com;
    location / { return 200 "shared"; }
    location ~ ^/v[0-9]+/ { return 200 "version"; }
  }
  server {
    listen @ADMIN default_server;
    server_name shop.example.com;
    location /stats { return 200 "stats"; }
  }
  server {
    listen @ADMIN;
    server_name *.wild.example.com;
    location / { proxy_pass http://@D; }
  }
  server {
    listen @ADMIN;
    server_name shared.example.com;
    return 200 "nobody gets here";
  }`

const HOSTS = [
  'shop.example.com',
  'www.shop.example.com',
  'certbot.example.com',
  'only.certbot.example.com',
  'old.example.com',
  'older.example.com',
  'both.example.com',
  'alias.example.com',
  'wild.example.com',
  'a.wild.example.com',
  'shared.example.com',
  'unknown.example.org',
]

const PATHS = ['/', '/api/x?y=1', '/x', '/x/y', '/only/z', '/other', '/stats', '/v1/x']

describe.skipIf(withoutNginx())('nginx with several ports, and Sluice on what was imported of it', () => {
  const ports = { WEB: 0, TLS: 0, ADMIN: 0 }
  let folder: string
  let upstreams: readonly TestUpstream[]
  let nginx: Nginx | undefined
  let gateway: Sluice | undefined
  let yaml: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-ports-'))
    const { cert, key } = testAuthority().issue('shop.example.com')
    writeFileSync(join(folder, 'cert.pem'), cert)
    writeFileSync(join(folder, 'key.pem'), key)
    upstreams = await Promise.all(Array.from({ length: 4 }, () => testUpstream((_, res) => res.end('upstream'))))
    ports.TLS = await closedPort()
    ports.ADMIN = await closedPort()
    nginx = await startNginxWith((port) => {
      ports.WEB = port
      const written = HTTP.replace(/@([A-Z]+)/g, (_, name: string) =>
        name.length === 1
          ? `127.0.0.1:${upstreams['ABCD'.indexOf(name)]?.port}`
          : `127.0.0.1:${ports[name as keyof typeof ports]}`,
      )
      return `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem; ${written}`
    })
    yaml = (await sluice('/', ['import', 'nginx', nginx.conf])).stdout
    const listen = 'listen: "127.0.0.1:0"'
    const free = yaml.replace(/listen: 127.0.0.1:\d+/g, listen)
    gateway = await startSluice(`${free}admin: { ${listen} }\nprobes: { ${listen} }\n`)
  })

  afterAll(async () => {
    await Promise.all([gateway?.stop(), nginx?.stop()])
    await Promise.all(upstreams.map((upstream) => upstream.close()))
    await rm(folder, { recursive: true, force: true })
  })

  it.each(['WEB', 'TLS', 'ADMIN'] as const)('answer every request on %s alike', async (name) => {
    if (gateway === undefined) throw new Error('not started')
    const theirPort = ports[name]
    const ourPort = gateway.port(name === 'TLS' ? `tls-${theirPort}` : `port-${theirPort}`)
    const fetch = name === 'TLS' ? fetchByTls : fetchPlain
    const differ: object[] = []
    for (const host of HOSTS) {
      for (const path of PATHS) {
        const theirs = await outcomeOf(upstreams, host, theirPort, (headers) => fetch(theirPort, path, headers))
        const ours = await outcomeOf(upstreams, host, ourPort, (headers) => fetchPlain(ourPort, path, headers))
        if (JSON.stringify(theirs) !== JSON.stringify(ours)) differ.push({ host, path, theirs, ours })
      }
    }
    expect(differ).toEqual([])
  })

  it('serves what came by TLS on this machine only', () => {
    const port = ports.TLS + 8000 > 65_535 ? ports.TLS - 8000 : ports.TLS + 8000
    expect(yaml).toContain(`  tls-${ports.TLS}:\n    listen: 127.0.0.1:${port}\n`)
  })
})

function fetchPlain(port: number, path: string, headers: Readonly<Record<string, string>>) {
  return fetchRaw(port, 'GET', path, headers)
}
