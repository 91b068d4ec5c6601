import { expect, test } from 'vitest'
import type { PathPoliciesConfig } from '../../../../src/core/path-policy.ts'
import { writeDown } from '../../../../src/data/engine/look-up.ts'
import { isRefusedTarget, normaliseTarget } from '../../../../src/data/routing/target.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { exchange } from '../../../kit/exchange.ts'
import { pick } from '../../../kit/malformed.ts'
import { decoded, READERS, type Reader, received } from '../../../kit/readers.ts'
import { lookUp, route, table } from '../../../kit/routes.ts'

const PIECES = [
  ...[
    '/',
    '/',
    '/',
    '//',
    '.',
    '..',
    '%2e',
    '%2E%2e',
    '%2f',
    '%2F',
    '%5c',
    '\\',
    '%00',
    ';',
    ';x',
    '%3B',
    '%c0%af',
    '%C0%AE',
  ],
  ...['a', '%61', 'admin', 'a/admin', 'a/b', '%41', 'b', 't/', 'p/', 'b//', '%2561', 'é', '%7e'],
]
const ROUTES = [
  route('admin', { paths: ['/a/admin/*'] }),
  route('top', { paths: ['/admin/*'] }),
  route('a', { paths: ['/a/*'] }),
  route('exact', { paths: ['/a/b'] }),
  route('parameter', { paths: ['/{x}/b'] }),
  route('two', { paths: ['/{x}/{y}'] }),
  route('tenant', { paths: ['/t/{tenant}/*'] }),
  route('double', { paths: ['/b//*'] }),
  route('package', { paths: ['/p/{name}/*'] }, 0, 'keep'),
  route('strict', { paths: ['/p/a/*'] }, 0, 'refuse'),
  route('all', { paths: ['/*'] }),
  route('regex', { hosts: ['example.com'], paths: ['~/admin/[^/]+'] }),
]
const CASES = 100_000

/** The servers that the operator has not sworn to be without. */
function behind(policy: PathPoliciesConfig, slashes: string): readonly Reader[] {
  return READERS.filter(
    ({ decodesSlashes, dropsParameters, merges }) =>
      !(policy.slashes === 'keep' && merges) &&
      !(policy.parameters === 'keep' && dropsParameters) &&
      !(slashes === 'keep' && decodesSlashes),
  )
}

test('however a server reads what it gets, it reads the route that was chosen, and the same parameters', () => {
  const routing = table(ROUTES)
  const random = seededRandom(9)
  const seen = new Map<string, number>()
  const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1)
  for (let i = 0; i < CASES; i++) {
    let target = '/'
    for (let n = random.uint32() % 8; n > 0; n--) target += pick(random, PIECES)
    const policy: PathPoliciesConfig = {
      dots: pick(random, ['refuse', 'normalise']),
      slashes: pick(random, ['check', 'check', 'merge', 'keep', 'refuse']),
      parameters: pick(random, ['check', 'check', 'keep', 'refuse']),
      listeners: [],
    }
    const normal = normaliseTarget(Buffer.from(target).toString('latin1'), policy, 'web')
    if (isRefusedTarget(normal)) {
      count(normal.detail)
      continue
    }
    const found = routing.find(lookUp(normal.path), normal.readings)
    if (found === undefined || !('value' in found)) {
      count('ambiguous')
      continue
    }
    count(found.value)
    const ex = exchange()
    Object.assign(ex.downstream, { host: 'example.com' })
    writeDown(ex, normal, routing, found)
    if (ex.forwardTarget !== normal.forward) count('not literally')
    for (const reader of behind(policy, found.encodedSlashes)) {
      const read = reader.read(ex.forwardTarget)
      if (read === undefined) continue
      count(reader.name)
      const theirs = routing.find(lookUp(read), undefined)
      const hit = theirs !== undefined && 'value' in theirs ? theirs : undefined
      const values = hit?.params?.map((value) => received(reader, value)).join('|')
      if (hit?.value === found.value && values === found.params?.map(decoded).join('|')) continue
      const sent = `${target} under ${JSON.stringify(policy)} went on as ${ex.forwardTarget}`
      expect.fail(`${sent}, and ${reader.name} read ${read}: ${JSON.stringify([found, theirs])}`)
    }
  }
  const kinds = [...ROUTES.map(({ name }) => name), ...READERS.map(({ name }) => name), 'ambiguous', 'not literally']
  const refusals = ['The path holds a dot segment.', 'The path can be read in too many ways.']
  for (const kind of [...kinds, ...refusals]) expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(20)
})
