import { describe, expect, test } from 'vitest'
import type { ValueCondition } from '../../../../src/core/config.ts'
import type { PathPoliciesConfig } from '../../../../src/core/path-policy.ts'
import type { LookUp } from '../../../../src/data/routing/search.ts'
import type { RouteTable } from '../../../../src/data/routing/table.ts'
import { isRefusedTarget, normaliseTarget } from '../../../../src/data/routing/target.ts'
import { PATHS } from '../../../kit/lean.ts'
import { lookUp, route, table } from '../../../kit/routes.ts'

function name(routing: RouteTable<string>, target: string, rest?: Partial<LookUp>): string | undefined {
  const found = routing.find(lookUp(target, rest), undefined)
  return found !== undefined && 'value' in found ? found.value : undefined
}

const condition = (key: string, op: ValueCondition['op'], value = ''): ValueCondition => ({ name: key, op, value })

describe('paths', () => {
  const routing = table([
    route('orders', { paths: ['/orders/*'] }),
    route('user', { paths: ['/users/{id}'] }),
    route('me', { paths: ['/users/me'] }),
    route('root', { paths: ['/'] }),
    route('double', { paths: ['/a//b'] }),
    route('regex', { paths: ['~/v[0-9]+/.*'] }),
  ])

  test.each([
    ['/orders', 'orders'],
    ['/orders/', 'orders'],
    ['/orders/x/y', 'orders'],
    ['/ordersx', undefined],
    ['/Orders', undefined],
    ['//orders', undefined],
    ['/users/7', 'user'],
    ['/users/me', 'me'],
    ['/users/', undefined],
    ['/users/7/', undefined],
    ['/users/7/x', undefined],
    ['/', 'root'],
    ['//', undefined],
    ['/a//b', 'double'],
    ['/a/b', undefined],
    ['/v12/x', 'regex'],
    ['/v/x', undefined],
  ])('%s is for %s', (path, expected) => {
    expect(name(routing, path)).toBe(expected)
  })

  test('parameters come in the order of the route, whichever of its paths matched', () => {
    const two = table([route('r', [{ paths: ['/a/{x}/{y}'] }, { paths: ['/b/{y}/{x}', '/c/{y}', '~/d.*'] }])])
    const params = (path: string): unknown => two.find(lookUp(path), undefined)
    expect(params('/a/1/2')).toMatchObject({ value: 'r', params: ['1', '2'] })
    expect(params('/b/1/2')).toMatchObject({ value: 'r', params: ['2', '1'] })
    expect(params('/c/1')).toMatchObject({ value: 'r', params: ['', '1'] })
    expect(params('/d')).toMatchObject({ value: 'r', params: ['', ''] })
  })

  test('a way that led nowhere leaves no parameter behind', () => {
    const routing = table([route('deep', { paths: ['/{a}/x/{b}/z'] }), route('flat', { paths: ['/{c}/{d}/*'] })])
    expect(routing.find(lookUp('/1/x/2/y'), undefined)).toMatchObject({ value: 'flat', params: ['1', 'x'] })
  })

  test('a find without parameters makes nothing', () => {
    expect(routing.find(lookUp('/orders'), undefined)).toBe(routing.find(lookUp('/orders/7'), undefined))
  })
})

describe('hosts', () => {
  const routing = table([
    route('exact', { hosts: ['api.example.com'] }),
    route('wild', { hosts: ['*.example.com'] }),
    route('wilder', { hosts: ['*.eu.example.com'] }),
    route('v6', { hosts: ['[::1]'] }),
  ])

  test.each([
    ['api.example.com', 'exact'],
    ['x.example.com', 'wild'],
    ['y.x.example.com', 'wild'],
    ['x.api.example.com', 'wild'],
    ['a.eu.example.com', 'wilder'],
    ['b.a.eu.example.com', 'wilder'],
    ['eu.example.com', 'wild'],
    ['example.com', undefined],
    ['.example.com', undefined],
    ['xexample.com', undefined],
    ['example.com.evil', undefined],
    ['[::1]', 'v6'],
    ['', undefined],
  ])('%s is for %s', (host, expected) => {
    expect(name(routing, '/', { host })).toBe(expected)
  })

  test('a hostile host costs no more than the longest wildcard', () => {
    const before = routing.steps
    expect(name(routing, '/', { host: `${'a.'.repeat(30_000)}com` })).toBeUndefined()
    expect(routing.steps - before).toBeLessThan(20)
  })
})

describe('what is more specific but does not hold gives way', () => {
  const routing = table([
    route('exact host', { hosts: ['a.com'], paths: ['/x/*'], headers: [condition('k', 'exact', '1')] }),
    route('wildcard host', { hosts: ['*.com'], paths: ['/x/*'], methods: ['PUT'] }),
    route('literal', { paths: ['/x/y'], query: [condition('q', 'present')] }),
    route('parameter', { paths: ['/x/{z}'], methods: ['POST'] }),
    route('any', { paths: ['/*'] }),
    route('first', { paths: ['/x/never'] }, 5),
    route('forced', { paths: ['/*'], headers: [condition('force', 'present')] }, 1),
  ])

  test.each([
    ['/x/y?q', 'GET', ['K', '1'], 'exact host'],
    ['/x/y?q', 'PUT', ['K', '2'], 'wildcard host'],
    ['/x/y?q', 'GET', [], 'literal'],
    ['/x/y?r', 'POST', [], 'parameter'],
    ['/x/y?r', 'GET', [], 'any'],
    ['/x/y?q', 'GET', ['k', '1', 'Force', ''], 'forced'],
    ['/x/never', 'GET', ['k', '1', 'Force', ''], 'first'],
  ])('%s %s %j is for %s', (target, method, headers, expected) => {
    expect(name(routing, target, { host: 'a.com', method, headers })).toBe(expected)
  })
})

describe('methods', () => {
  const routing = table([
    route('read', { paths: ['/r/*'], methods: ['GET'] }),
    route('write', { paths: ['/r/*'], methods: ['POST', 'PUT'] }),
    route('tagged', { paths: ['/r/*'], methods: ['DELETE'], headers: [condition('k', 'present')] }),
    route('heads', { paths: ['/h'], methods: ['HEAD'] }),
    route('gets', { paths: ['/h'], methods: ['GET'], headers: [condition('k', 'present')] }),
    route('deep', { paths: ['/r/x'], methods: ['PATCH'] }),
  ])

  test('HEAD finds GET, and what names HEAD itself first', () => {
    expect(name(routing, '/r/1', { method: 'HEAD' })).toBe('read')
    expect(name(routing, '/h', { method: 'HEAD', headers: ['k', ''] })).toBe('heads')
  })

  test.each([
    ['/r/x', 'OPTIONS', [], ['GET', 'HEAD', 'PATCH', 'POST', 'PUT']],
    ['/r/1', 'DELETE', [], ['GET', 'HEAD', 'POST', 'PUT']],
    ['/r/1', 'PATCH', ['K', ''], ['DELETE', 'GET', 'HEAD', 'POST', 'PUT']],
    ['/h', 'GET', [], ['HEAD']],
    ['/r/1', 'get', [], ['GET', 'HEAD', 'POST', 'PUT']],
  ])('%s %s: 405 names every method that would match', (target, method, headers, allow) => {
    expect(routing.find(lookUp(target, { method, headers }), undefined)).toEqual({ allow })
  })

  test('no 405 where a route serves the method, and none where none matches with any', () => {
    expect(name(routing, '/r/x')).toBe('read')
    expect(routing.find(lookUp('/none', { method: 'PUT' }), undefined)).toBeUndefined()
  })
})

test('TRACE finds only what names it, and 405 elsewhere; the less specific route that names it is found', () => {
  const routing = table([
    route('any', { paths: ['/a/*'] }),
    route('traced', { paths: ['/*'], methods: ['TRACE'], headers: [condition('k', 'present')] }),
  ])
  const allow = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']
  expect(routing.find(lookUp('/a/x', { method: 'TRACE' }), undefined)).toEqual({ allow })
  expect(name(routing, '/a/x', { method: 'TRACE', headers: ['k', ''] })).toBe('traced')
  expect(routing.find(lookUp('/b', { method: 'TRACE' }), undefined)).toBeUndefined()
})

describe('other readings of the path', () => {
  const ROUTES = [
    route('files', { paths: ['/files/*'] }),
    route('project', { paths: ['/projects/{id}/tags'] }),
    route('tenant', { paths: ['/t/{tenant}/*'] }),
    route('package', { paths: ['/packages/{name}'] }, 0, 'keep'),
    route('strict', { paths: ['/strict/*'] }, 0, 'refuse'),
    route('admin', { paths: ['/files/admin/*'] }),
    route('root', { paths: ['/admin/*'] }),
    route('back', { paths: ['/back\\slash'] }),
    route('rest', { hosts: ['rest.test'], paths: ['/*'] }),
    route('kept', { hosts: ['rest.test'], paths: ['/admin/*'] }),
  ]
  const routing = table(ROUTES)

  const find = (target: string, policy: Partial<PathPoliciesConfig> = {}, host = 'example.com'): unknown => {
    const normal = normaliseTarget(target, { ...PATHS, ...policy }, 'web')
    if (isRefusedTarget(normal)) return normal.detail
    const found = routing.find(lookUp(normal.path, { host }), normal.readings)
    if (found === undefined) return undefined
    return 'value' in found ? found.value : 'ambiguous' in found ? found.ambiguous : found
  }

  test.each([
    '/files/a%2Fb',
    '/files/a\\b',
    '/files/a%5cb',
    '/files/a%00b',
    '/files/%2f%5c',
    '/files/a//b',
    '/files//',
    '/files/a;x=1/b;y',
    '/files/;',
    '/files/%C0%AFx',
    '/files/a%3Bb/%253B',
  ])('%s reaches its route', (target) => {
    expect(find(target)).toBe('files')
  })

  test.each([
    ['/files/admin%2Fx', 'Read with %2F as a slash, the path has another route or none.'],
    ['/files/admin\\x', 'Read with a backslash as a slash, the path has another route or none.'],
    ['/files/admin%5Cx', 'Read with a backslash as a slash, the path has another route or none.'],
    ['/files/admin%00x', 'Read with its NUL as its end or left out, the path has another route or none.'],
    ['/files/adm%00in/x', 'Read with its NUL as its end or left out, the path has another route or none.'],
    ['/projects/a%2Fb/tags', 'Read with %2F as a slash, the path has another route or none.'],
    ['/files/a%2F..%2Fadmin', 'The path holds a dot segment.'],
    ['/files/x%2F\\..\\admin', 'The path holds a dot segment.'],
    ['/files/%C0%AE%C0%AE/admin', 'The path holds a dot segment.'],
    ['/files/..%3Bx/admin', 'The path holds a dot segment.'],
    ['/back\\slash', 'Read with a backslash as a slash, the path has another route or none.'],
    ['/files//admin/s', 'Read with merged slashes, the path has another route or none.'],
    ['/files/admin;a/s', 'Read without path parameters, the path has another route or none.'],
    ['/files/;/admin/s', 'Read with merged slashes and without path parameters, the path has another route or none.'],
    [
      '/files/;a%2Fadmin/s',
      'Read with merged slashes and without path parameters and with %2F as a slash, the path has another route or none.',
    ],
    [
      '/files/%C0%AFadmin',
      'Read with merged slashes and with overlong UTF-8 as ASCII, the path has another route or none.',
    ],
    ['/files/%C1%A1dmin', 'Read with overlong UTF-8 as ASCII, the path has another route or none.'],
    ['/projects/7;x/tags', 'Read without path parameters, the path has other parameters.'],
    ['/t/p%2Fvictim/mine/y', 'Read with %2F as a slash, the path has other parameters.'],
    ['/t/p\\victim/y', 'Read with a backslash as a slash, the path has other parameters.'],
    ['/strict/a%2Fb', 'The path holds an escaped slash (%2F), which is not accepted here.'],
    ['/packages/a;v', 'Read without path parameters, the path has other parameters.'],
    ['/packages/a%2F..', 'The path holds a dot segment.'],
  ])('%s is refused: %s', (target, why) => {
    expect(find(target)).toBe(why)
  })

  test.each([
    ['//admin/s', 'Read with merged slashes, the path has another route or none.'],
    ['/admin;a/s', 'Read without path parameters, the path has another route or none.'],
    ['/;a/admin/s', 'Read with merged slashes and without path parameters, the path has another route or none.'],
    ['/;//admin/s', 'Read with merged slashes and without path parameters, the path has another route or none.'],
    ['//host/admin/s', 'Read with a host after its first slashes, the path has another route or none.'],
    [
      '/\\host/admin/s',
      'Read with a host after its first slashes and with a backslash as a slash, the path has another route or none.',
    ],
    [
      '//x//admin/s',
      'Read with merged slashes and with a host after its first slashes, the path has another route or none.',
    ],
  ])('a route for everything does not take %s: %s', (target, why) => {
    expect(find(target, {}, 'rest.test')).toBe(why)
  })

  test.each(['//', '///x', '//x/y', '/x//admin/s', '/x;y/z', '/;', '/x;admin/s', '/admins;a/s'])(
    'a route for everything takes %s',
    (target) => {
      expect(find(target, {}, 'rest.test')).toBe('rest')
    },
  )

  test('what is kept is data', () => {
    expect(find('/packages/@scope%2Fname')).toBe('package')
    expect(find('//admin/s', { slashes: 'keep' }, 'rest.test')).toBe('rest')
    expect(find('/admin;a/s', { parameters: 'keep' }, 'rest.test')).toBe('rest')
    expect(find('/projects/7;x/tags', { parameters: 'keep' })).toBe('project')
    expect(find('/admin;a%2Fs', { parameters: 'keep', slashes: 'keep' }, 'rest.test')).toBe('rest')
  })

  test('what is merged is matched so', () => {
    expect(find('//admin///s', { slashes: 'merge' }, 'rest.test')).toBe('kept')
    expect(find('//files//a', { slashes: 'merge' })).toBe('files')
    expect(find('//files//;/a', { slashes: 'merge' })).toBe('files')
  })
})

describe('steps', () => {
  const SIZES = [10, 1_000, 10_000]

  const cost = (routing: RouteTable<string>, sent: LookUp, expected: string | undefined): number => {
    const before = routing.steps
    const found = routing.find(sent, undefined)
    expect(found !== undefined && 'value' in found ? found.value : undefined).toBe(expected)
    return routing.steps - before
  }

  test('do not grow with routes on distinct hosts and prefixes', () => {
    const costs = SIZES.map((size) => {
      const routing = table(
        Array.from({ length: size }, (_, i) =>
          i % 3 === 0
            ? route(`r${i}`, { hosts: [`h${i}.example.com`], paths: [`/p${i}/*`] })
            : i % 3 === 1
              ? route(`r${i}`, { hosts: [`*.w${i}.example.com`], paths: [`/p/{id}/x`] })
              : route(`r${i}`, { paths: [`/p${i}/*`] }),
        ),
      )
      const last = size - (size % 3 === 0 ? 3 : size % 3)
      return [
        cost(routing, lookUp(`/p${last}/a`, { host: `h${last}.example.com` }), `r${last}`),
        cost(routing, lookUp('/p/7/x', { host: `a.w${1}.example.com` }), 'r1'),
        cost(routing, lookUp('/p2/a/b/c', { host: 'other.example.com' }), 'r2'),
        cost(routing, lookUp('/none', { host: 'h0.example.com' }), undefined),
      ]
    })
    expect(costs[1]).toEqual(costs[0])
    expect(costs[2]).toEqual(costs[0])
    for (const steps of costs[0] as number[]) expect(steps).toBeLessThan(12)
  })

  test('are bounded by the places of the table, not by the ways through it', () => {
    const depth = 11
    // Every mixture of literal and parameter: 2^11 ways, all of which fail at the last segment.
    const routing = table(
      Array.from({ length: 2 ** depth }, (_, bits) => {
        const segments = Array.from({ length: depth }, (_, i) => ((bits >> i) & 1 ? 'a' : `{p${i}}`))
        return route(`r${bits}`, { paths: [`/${segments.join('/')}/end`] })
      }),
    )
    const places = 2 ** (depth + 2)
    const hostile = lookUp(`${'/a'.repeat(depth)}/no`)
    // Twice: once for a route, once for the methods of a 405.
    expect(cost(routing, hostile, undefined)).toBeLessThan(2 * places)
    expect(cost(routing, lookUp('/a'.repeat(30_000)), undefined)).toBeLessThan(2 * places)
  })

  test('a path deeper than any route is given up at the depth of the table', () => {
    const routing = table([route('r', { paths: ['/{a}/{b}/{c}'] })])
    expect(cost(routing, lookUp('/x'.repeat(30_000)), undefined)).toBeLessThan(20)
  })
})
