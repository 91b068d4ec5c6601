import { expect, test } from 'vitest'
import { isRefusedTarget, normaliseTarget } from '../../../../src/data/routing/target.ts'
import { type Random, seededRandom } from '../../../../src/lib/random.ts'
import { lookUp, route, table } from '../../../kit/routes.ts'

const PIECES = [
  '/',
  '/',
  '/',
  '.',
  '..',
  '%2e',
  '%2E%2e',
  '%2f',
  '%2F',
  '%5c',
  '\\',
  '%00',
  'a',
  '%61',
  'admin',
  'a/admin',
  'a/b',
  '%41',
  ';x',
  'b',
]

/** The path as an upstream may read it: every escape that matters decoded or not, as its author saw fit. */
function readAsUpstream(target: string, random: Random): string {
  const habit = random.uint32()
  let path = target.split('?', 1)[0] as string
  if (habit & 1) path = path.split('%00', 1)[0] as string
  if (habit & 2) path = path.replaceAll('\\', '/')
  path = path.replace(/%[0-9a-f]{2}/gi, (escaped) => {
    const char = decodeURIComponent(escaped)
    if (/[A-Za-z.]/.test(char)) return char
    if (char === '/' && habit & 4) return '/'
    if (char === '\\' && habit & 8) return '/'
    return escaped.toUpperCase()
  })
  if (habit & 16) path = path.replaceAll(/\/(\.\.?);[^/]*/g, '/$1')
  const kept: string[] = []
  for (const [i, segment] of path.split('/').slice(1).entries()) {
    const isLast = i === path.split('/').length - 2
    if (segment === '..') kept.pop()
    if (segment !== '.' && segment !== '..') kept.push(segment)
    else if (isLast) kept.push('')
  }
  return `/${kept.join('/')}`
}

test('however an upstream reads what it gets, it reads the route that was chosen', () => {
  const routing = table([
    route('admin', { paths: ['/a/admin/*'] }),
    route('a', { paths: ['/a/*'] }),
    route('exact', { paths: ['/a/b'] }),
    route('parameter', { paths: ['/{x}/b'] }),
    route('two', { paths: ['/{x}/{y}'] }),
    route('all', { paths: ['/*'] }),
    route('regex', { hosts: ['example.com'], paths: ['~/admin/[^/]+'] }),
  ])
  const random = seededRandom(9)
  const seen = new Map<string, number>()
  for (let i = 0; i < 120_000; i++) {
    let target = '/'
    for (let n = random.uint32() % 8; n > 0; n--) target += PIECES[random.uint32() % PIECES.length]
    const normal = normaliseTarget(target, random.uint32() % 2 === 0 ? 'refuse' : 'normalise')
    if (isRefusedTarget(normal)) {
      seen.set(normal.reason, (seen.get(normal.reason) ?? 0) + 1)
      continue
    }
    const found = routing.find(lookUp(normal.path), normal.readings)
    if (found === undefined || !('value' in found)) {
      seen.set('ambiguous', (seen.get('ambiguous') ?? 0) + 1)
      continue
    }
    seen.set(found.value, (seen.get(found.value) ?? 0) + 1)
    const read = readAsUpstream(normal.forward, random)
    const theirs = routing.find(lookUp(read), undefined)
    expect(theirs, `${target} went on as ${normal.forward} and was read as ${read}`).toMatchObject({
      value: found.value,
    })
  }
  for (const kind of ['admin', 'a', 'exact', 'parameter', 'two', 'all', 'regex', 'ambiguous_path', 'ambiguous']) {
    expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(20)
  }
})
