import { describe, expect, test } from 'vitest'
import { AdminGuard, type GuardedRequest } from '../../../../src/control/admin/guard.ts'
import { ProxyIdentity } from '../../../../src/control/admin/proxy-identity.ts'
import { Tokens } from '../../../../src/control/admin/tokens.ts'

const tokens = new Tokens([
  { name: 'eye', role: 'viewer', secret: 'see' },
  { name: 'ci', role: 'operator', secret: 'do' },
  { name: 'root', role: 'admin', secret: 'all' },
])
const open = new AdminGuard({ tokens, guardReads: false, hosts: ['gw.example.com', '10.0.0.9', '[2001:db8:0:0::9]'] })
const closed = new AdminGuard({ tokens, guardReads: true, hosts: [] })

const get: GuardedRequest = {
  method: 'GET',
  target: '/api/v1/status',
  hosts: ['localhost:9901'],
  origin: undefined,
  fetchSite: undefined,
  authorization: undefined,
  contentType: undefined,
  peer: '127.0.0.1',
  valuesOf: () => [],
}
const post: GuardedRequest = {
  ...get,
  method: 'POST',
  authorization: 'Bearer do',
  contentType: 'application/json',
}
const ROLES = { eye: 'viewer', ci: 'operator', root: 'admin' } as const
const fine = (name?: keyof typeof ROLES) =>
  name === undefined ? { name, role: 'viewer', by: 'nothing' } : { name, role: ROLES[name], by: 'token' }

describe('Host', () => {
  test.each([
    'localhost',
    'LocalHost:1',
    'localhost:',
    'localhost.:9901',
    '127.0.0.1:9901',
    '127.8.9.1',
    '127.0.0.1.',
    '[::1]:9901',
    '[0:0:0:0:0:0:0:1]',
    '[0000::0001]:1',
    '[::ffff:127.0.0.1]:9901',
    '[::FFFF:7f00:1]',
    'gw.example.com:9901',
    'GW.EXAMPLE.COM.',
    '10.0.0.9:9901',
    '[2001:DB8::9]:9901',
  ])('%s is ours', (host) => expect(open.check({ ...get, hosts: [host] }, 'viewer')).toEqual(fine()))

  const BAD: readonly string[] = [
    '',
    '::1',
    ':9901',
    '.',
    'localhost..',
    'localhost:x',
    'localhost:99999',
    'localhost:-1',
    'localhost:1:2',
    'localhost@evil.test',
    'evil.test@localhost',
    'localhost:9901@evil.test',
    'localhost, evil.test',
    'localhost/',
    'localhost#evil.test',
    'localhost?',
    'http://localhost',
    'local\u0000host',
    'local%68ost',
    '[::1',
    '::1]',
    '[]',
    '[::1]x',
    '[::1]:x',
    '[::1%25lo]',
    '[localhost]',
    '[1:2]',
    'löcalhost',
  ]
  const FOREIGN: readonly string[] = [
    'evil.test',
    '10.0.0.1:9901',
    'localhost.evil.test',
    '127.0.0.1.evil.test',
    'evil.localhost',
    '127.1',
    '0177.0.0.1',
    '2130706433',
    '0x7f000001',
    '0.0.0.0',
    '[::]',
    '[::2]',
    '[::127.0.0.1]',
    '[::ffff:10.0.0.1]',
  ]

  test.each([...BAD.map((host) => [host, 'bad_host']), ...FOREIGN.map((host) => [host, 'host_not_allowed'])])(
    'DNS rebinding: %j is %s, with a good token too',
    (host = '', error) => {
      expect(open.check({ ...get, hosts: [host] }, 'viewer')).toMatchObject({ error })
      expect(open.check({ ...post, hosts: [host] }, 'operator')).toMatchObject({ error })
    },
  )

  test.each([
    ['http://evil.test/api/v1/status', ['localhost'], 'host_not_allowed'],
    ['HTTPS://evil.test', ['localhost'], 'host_not_allowed'],
    ['http://evil.test?x', ['localhost'], 'host_not_allowed'],
    ['http://localhost@evil.test/', ['localhost'], 'bad_host'],
    ['http:///api/v1/status', ['localhost'], 'bad_host'],
    ['http://localhost/', ['localhost', 'localhost'], 'bad_host'],
    ['http://localhost/', [], 'bad_host'],
    ['http://localhost/', ['a@b'], 'bad_host'],
  ])('a target with a host of its own: %s, Host %j', (target, hosts, error) => {
    expect(open.check({ ...get, target, hosts }, 'viewer')).toMatchObject({ error })
  })

  test.each(['http://localhost:9901/livez', 'http://[::1]/livez', 'http://gw.example.com'])(
    'a target with a host of ours, which counts: %s',
    (target) => expect(open.check({ ...get, target, hosts: ['evil.test'] }, 'viewer')).toEqual(fine()),
  )

  test('none or two are refused', () => {
    expect(open.check({ ...get, hosts: [] }, 'viewer')).toMatchObject({ error: 'bad_host' })
    expect(open.check({ ...get, hosts: ['localhost', 'localhost'] }, undefined)).toMatchObject({ error: 'bad_host' })
  })
})

describe('pages of others', () => {
  test.each([
    ['http://localhost:9901', 'localhost:9901'],
    ['http://LOCALHOST:9901', 'localhost.:9901'],
    ['https://localhost:9901', 'localhost:9901'],
    ['http://localhost', 'localhost:80'],
    ['https://gw.example.com', 'gw.example.com'],
    ['https://gw.example.com:443', 'gw.example.com'],
    ['http://[::1]:9901', '[0:0::1]:9901'],
  ])('origin %s is ours at Host %s', (origin, host) => {
    expect(open.check({ ...post, origin, hosts: [host] }, 'operator')).toEqual(fine('ci'))
  })

  test.each([
    ['http://gw.example.com', 'gw.example.com:443'],
    ['https://gw.example.com', 'gw.example.com:80'],
    ['http://localhost:9901', '127.0.0.1:9901'],
    ['http://localhost:9901@evil.test', 'localhost:9901'],
    ['http://localhost:9901/x', 'localhost:9901'],
    ['ws://localhost:9901', 'localhost:9901'],
    ['', 'localhost:9901'],
  ])('origin %s is not at Host %s', (origin, host) => {
    expect(open.check({ ...post, origin, hosts: [host] }, 'operator')).toMatchObject({ error: 'foreign_origin' })
  })

  test.each(['http://evil.test', 'null', 'http://localhost:9902', 'http://localhost', 'file://'])(
    'origin %s is refused',
    (origin) => {
      expect(open.check({ ...post, origin }, 'operator')).toMatchObject({ status: 403, error: 'foreign_origin' })
      expect(open.check({ ...get, origin }, 'viewer')).toMatchObject({ error: 'foreign_origin' })
    },
  )

  test('our own page is fine', () => {
    expect(open.check({ ...post, origin: 'http://localhost:9901', fetchSite: 'same-origin' }, 'operator')).toEqual(
      fine('ci'),
    )
  })

  test('cross-site without an Origin is refused', () => {
    expect(open.check({ ...get, fetchSite: 'cross-site' }, 'viewer')).toMatchObject({ error: 'foreign_origin' })
  })

  test.each([
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'text/plain;application/json',
  ])('a mutation with content type %s is refused, as a form could send it', (contentType) => {
    expect(open.check({ ...post, contentType }, 'operator')).toMatchObject({ status: 415, error: 'content_type' })
  })

  test('a charset is fine', () => {
    expect(open.check({ ...post, contentType: 'Application/JSON; charset=utf-8' }, 'operator')).toEqual(fine('ci'))
  })
})

describe('tokens', () => {
  test.each([undefined, 'Bearer', 'Bearer ', 'Bearer d', 'Bearer doo', 'Bearer do x', 'Basic do', 'do', 'Bearer  do'])(
    'a mutation with %j is refused on loopback, too',
    (authorization) => {
      expect(open.check({ ...post, authorization }, 'operator')).toMatchObject({
        status: 401,
        error: 'unauthenticated',
      })
    },
  )

  test('roles: a viewer reads, an operator and an admin change', () => {
    expect(closed.check({ ...get, authorization: 'bearer see' }, 'viewer')).toEqual(fine('eye'))
    expect(closed.check({ ...post, authorization: 'Bearer see' }, 'operator')).toMatchObject({
      status: 403,
      error: 'forbidden',
      who: fine('eye'),
    })
    expect(closed.check({ ...post, authorization: 'Bearer all' }, 'operator')).toEqual(fine('root'))
    expect(closed.check({ ...post, authorization: 'Bearer all' }, 'admin')).toEqual(fine('root'))
    expect(closed.check(post, 'admin')).toMatchObject({ error: 'forbidden' })
  })

  test('every method but GET and HEAD counts as a change, even where a viewer would do', () => {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'QUERY']) {
      expect(open.check({ ...post, method, authorization: undefined }, 'viewer')).toMatchObject({ status: 401 })
      expect(open.check({ ...post, method, authorization: 'Bearer see' }, 'viewer')).toMatchObject({ status: 403 })
    }
  })

  test('reads: open on loopback without admin.auth, else a viewer', () => {
    expect(open.check(get, 'viewer')).toEqual(fine())
    expect(open.check({ ...get, peer: '::ffff:127.0.0.1' }, 'viewer')).toEqual(fine())
    expect(open.check({ ...get, peer: '192.168.1.9' }, 'viewer')).toMatchObject({ status: 401 })
    expect(closed.check(get, 'viewer')).toMatchObject({ status: 401 })
    expect(closed.check(get, undefined)).toEqual(fine())
  })
})

describe('questions that come with a body', () => {
  const ask: GuardedRequest = { ...get, method: 'POST', asks: true, contentType: 'application/json' }

  test('are reads: free on loopback where reads are, else for viewers', () => {
    expect(open.check(ask, 'viewer')).toEqual(fine())
    expect(open.check({ ...ask, peer: '10.0.0.1' }, 'viewer')).toMatchObject({ error: 'unauthenticated' })
    expect(closed.check(ask, 'viewer')).toMatchObject({ error: 'unauthenticated' })
    expect(closed.check({ ...ask, authorization: 'Bearer see' }, 'viewer')).toEqual(fine('eye'))
  })

  test('no page of others can send one', () => {
    expect(open.check({ ...ask, contentType: 'text/plain' }, 'viewer')).toMatchObject({ error: 'content_type' })
    expect(open.check({ ...ask, origin: 'http://evil.test' }, 'viewer')).toMatchObject({ error: 'foreign_origin' })
  })
})

describe('reads for operators', () => {
  test('are never free', () => {
    expect(open.check(get, 'operator')).toMatchObject({ status: 401 })
    expect(open.check({ ...get, authorization: 'Bearer see' }, 'operator')).toMatchObject({ status: 403 })
    expect(open.check({ ...get, authorization: 'Bearer do' }, 'operator')).toEqual(fine('ci'))
  })
})

test('who has a token is known where none is needed', () => {
  expect(open.check({ ...get, authorization: 'Bearer all' }, 'viewer')).toEqual(fine('root'))
  expect(open.check({ ...get, authorization: 'Bearer wrong' }, 'viewer')).toEqual(fine())
})

describe('a trusted proxy', () => {
  const proxy = new ProxyIdentity({
    from: ['10.0.0.0/8', '::1'],
    user: 'x-forwarded-user',
    role: 'x-forwarded-groups',
    roles: { sre: 'operator', staff: 'viewer' },
  })
  const behind = new AdminGuard({ tokens, proxy, guardReads: true, hosts: [] })
  const says = (fields: Readonly<Record<string, string | string[]>>) => ({
    valuesOf: (name: string) => [fields[name] ?? []].flat(),
  })
  const asked = { ...post, authorization: undefined, peer: '10.1.2.3' }
  const anna = { 'x-forwarded-user': 'anna', 'x-forwarded-groups': 'staff, sre' }

  test('says who asks; of several groups the highest counts', () => {
    const who = { name: 'anna', role: 'operator', by: 'proxy' }
    expect(behind.check({ ...asked, ...says(anna) }, 'operator')).toEqual(who)
    expect(behind.check({ ...asked, peer: '::ffff:10.0.0.1', ...says(anna) }, 'operator')).toEqual(who)
    const viewer = { ...anna, 'x-forwarded-groups': 'staff' }
    expect(behind.check({ ...asked, ...says(viewer) }, 'operator')).toMatchObject({
      status: 403,
      who: { name: 'anna' },
    })
  })

  test.each(['127.0.0.1', '192.0.2.1', '11.0.0.1', '::2', ''])('what the peer %j says counts for nothing', (peer) => {
    expect(behind.check({ ...asked, peer, ...says(anna) }, 'viewer')).toMatchObject({ error: 'unauthenticated' })
  })

  test.each([
    ['no user', { ...anna, 'x-forwarded-user': [] }],
    ['an empty user', { ...anna, 'x-forwarded-user': ' ' }],
    ['two users, of which one may be the client’s own', { ...anna, 'x-forwarded-user': ['root', 'anna'] }],
    ['two lines of groups', { ...anna, 'x-forwarded-groups': ['sre', 'staff'] }],
    ['no group that we know', { ...anna, 'x-forwarded-groups': 'Sre,sre2,toString' }],
    ['no groups', { 'x-forwarded-user': 'anna' }],
    ['a user without end', { ...anna, 'x-forwarded-user': 'a'.repeat(257) }],
  ])('%s proves nothing', (_, fields) => {
    expect(behind.check({ ...asked, ...says(fields) }, 'viewer')).toMatchObject({ error: 'unauthenticated' })
  })

  test('without a map the field holds the role', () => {
    const plain = new ProxyIdentity({ from: ['::1'], user: 'x-user', role: 'x-role', roles: undefined })
    const of = (role: string) => plain.of('::1', says({ 'x-user': 'eve', 'x-role': role }).valuesOf)
    expect([of('admin'), of('viewer'), of('Admin'), of('root')]).toEqual([
      { name: 'eve', role: 'admin' },
      { name: 'eve', role: 'viewer' },
      undefined,
      undefined,
    ])
  })

  test('a token proves more than its word, and other sites are kept out all the same', () => {
    expect(behind.check({ ...asked, ...says(anna), authorization: 'Bearer all' }, 'operator')).toEqual(fine('root'))
    expect(behind.check({ ...asked, ...says(anna), authorization: 'Bearer eyJ.of.theirs' }, 'operator')).toMatchObject({
      name: 'anna',
    })
    expect(behind.check({ ...asked, ...says(anna), origin: 'https://evil.test' }, 'operator')).toMatchObject({
      error: 'foreign_origin',
    })
  })
})
