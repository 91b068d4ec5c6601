import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, sluice } from '../cli/cli.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-import-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function importText(kind: string, text: string, ...flags: string[]): Promise<Ended> {
  await writeFile(join(folder, 'in'), text)
  return sluice(folder, ['import', kind, 'in', ...flags])
}

const INGRESS = `kind: Ingress
apiVersion: networking.k8s.io/v1
metadata:
  annotations: { nginx.ingress.kubernetes.io/limit-rps: "5" }
spec: { defaultBackend: { service: { name: "a", port: { number: 80 } } } }
`

describe('sluice import', () => {
  it('prints both results as JSON for tools', async () => {
    const { code, stderr, stdout } = await importText('ingress', INGRESS, '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const { config, left } = JSON.parse(stdout) as { config: string; left: unknown }
    expect(config).toContain('dns: a.default.svc:80\n')
    expect(left).toEqual([
      { file: 'in', line: 4, what: 'limit-rps: 5', why: 'rate limits are not in this version of Sluice' },
    ])
  })

  it('ends with 64 for a command that makes no sense', async () => {
    expect((await sluice(folder, ['import'])).code).toBe(64)
    expect((await sluice(folder, ['import', 'ingress'])).code).toBe(64)
    expect(await sluice(folder, ['import', 'apache', 'in'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('expected nginx or ingress and a file'),
    })
  })

  it('ends with 2 for a file that is not there', async () => {
    const { code, stderr, stdout } = await sluice(folder, ['import', 'ingress', 'no-such'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^sluice import: .*no-such.*: there is no such file$/m)
  })
})

describe('an Ingress that cannot be read', () => {
  it.each([
    ['kind: Ingress\nspec: [', /^in:2:\d+: /],
    ['kind: Service\n', /^in: there is no Ingress in it/],
    ['', /^in: there is no Ingress in it/],
  ])('%j', async (text, says) => {
    const { code, stderr, stdout } = await importText('ingress', text)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(says)
  })
})

describe('an nginx configuration that cannot be read', () => {
  it('ends with 2 and says where', async () => {
    const { code, stderr, stdout } = await importText('nginx', 'http {\n  server {\n')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe('in:2:1: unexpected end of file, expecting "}"\n')
    const json = await importText('nginx', 'http {\n', '--json')
    expect(json).toMatchObject({ code: 2, stderr: '' })
    expect(JSON.parse(json.stdout)).toMatchObject({ problems: [{ at: { file: 'in', line: 1 } }] })
  })

  it('ends with 2 where there is no server', async () => {
    expect(await importText('nginx', 'events {}\n')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'in:1:1: there is no server in it\n',
    })
  })
})

describe('values that Sluice does not know', () => {
  it('are taken out and listed, and what leads there answers 501', async () => {
    const conf = `upstream a { server 10.0.0.1:0; }
upstream b { server 10.0.0.1:80; server 10.0.0.1:80; }
server {
  listen 99999;
  location /a/ { proxy_pass http://a; proxy_set_header Host $http_host; }
  location = /b { proxy_pass http://b; proxy_set_header Host $http_host; }
}
`
    const { code, stderr, stdout } = await importText('nginx', conf)
    expect(code).toBe(1)
    expect(stderr).toContain('in:1: upstreams.a.endpoints[0]: "http://10.0.0.1:0" is not an endpoint URL')
    expect(stderr).toContain('in:2: server 10.0.0.1:80: it is in this upstream already')
    expect(stderr).toContain('in:4: listeners.web.listen: ')
    await writeFile(join(folder, 'out.yaml'), stdout)
    expect(await sluice(folder, ['check', 'out.yaml'])).toMatchObject({ code: 0 })
    expect(stdout.match(/status: 501/g)).toHaveLength(1)
  })

  it('takes what only such a listener leads to out, too: nothing may be open that was behind it', async () => {
    const conf = `server { listen 99999; server_name a.example.com; location / { return 200 "a"; } }
server { listen 80; listen 99999; server_name b.example.com; location / { return 200 "b"; } }
`
    const { stderr, stdout } = await importText('nginx', conf)
    expect(stderr).toContain('in:1: listeners.port-99999.listen: ')
    expect(stdout).not.toContain('body: a')
    expect(stdout).toMatch(/listeners: \[ port-80 \][^#]*body: b/)
    await writeFile(join(folder, 'out.yaml'), stdout)
    expect(await sluice(folder, ['check', 'out.yaml'])).toMatchObject({ code: 0 })
  })
})

describe('what is imported', () => {
  it.each([
    ['nginx', 'server { location / { proxy_pass http://a:1; proxy_read_timeout 1d; } }', '3600s'],
    ['nginx', 'worker_shutdown_timeout 10s; http { server { location / { proxy_pass http://a:1; } } }', '10s'],
    ['ingress', INGRESS.replace('limit-rps: "5"', 'proxy-read-timeout: "3600"'), '240s'],
    ['ingress', INGRESS.replace('limit-rps: "5"', 'proxy-next-upstream: "off"'), '180s'],
  ])('has a time to drain without a warning: %s %#', async (kind, text, timeout) => {
    const { stdout } = await importText(kind, text)
    expect(stdout).toMatch(new RegExp(`^drain:\n  timeout: ${timeout}$`, 'm'))
    await writeFile(join(folder, 'out.yaml'), stdout)
    expect(await sluice(folder, ['check', 'out.yaml', '--strict'])).toMatchObject({ code: 0, stderr: '' })
  })
})
