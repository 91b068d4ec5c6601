import { expect, test } from 'vitest'
import type { ValueCondition } from '../../../../src/core/config.ts'
import { type Random, seededRandom } from '../../../../src/lib/random.ts'
import { lookUp, route, type ShortMatch, table } from '../../../kit/routes.ts'
import { reference } from './reference.ts'

const HOSTS = ['a.com', 'x.a.com', 'y.x.a.com', '*.a.com', '*.x.a.com', '*.com', 'b.com']
const SENT_HOSTS = ['a.com', 'x.a.com', 'y.x.a.com', 'z.y.x.a.com', 'b.com', 'c.com', '.a.com', 'org', '']
const SEGMENTS = ['a', 'b', 'c', '']
const REGEXES = ['/a.*', '/[ab]/(b|c)+', '(/a){2,}', '/.*']
const LISTENERS = ['web', 'inside']
const METHODS = ['GET', 'HEAD', 'POST']

function pick<E>(random: Random, from: readonly E[]): E {
  return from[random.uint32() % from.length] as E
}

function some<E>(random: Random, from: readonly E[], most: number): E[] {
  return [...new Set(Array.from({ length: random.uint32() % (most + 1) }, () => pick(random, from)))]
}

function path(random: Random): string {
  if (random.uint32() % 10 === 0) return `~${pick(random, REGEXES)}`
  let source = ''
  const names = ['{p}', '{q}', '{r}', '{s}']
  for (let n = random.uint32() % 4; n > 0; n--) {
    const at = random.uint32() % names.length
    source += `/${random.uint32() % 3 === 0 ? names.splice(at, 1)[0] : pick(random, SEGMENTS)}`
  }
  return source === '' || random.uint32() % 3 === 0 ? `${source}/*` : source
}

function conditions(random: Random): ValueCondition[] {
  if (random.uint32() % 3 > 0) return []
  return some(random, ['k', 'l'], 2).map((name) => ({
    name,
    op: pick(random, ['present', 'absent', 'exact'] as const),
    value: pick(random, ['1', '2']),
  }))
}

function match(random: Random): ShortMatch {
  return {
    listeners: random.uint32() % 4 === 0 ? some(random, LISTENERS, 1) : [],
    hosts: some(random, HOSTS, 2),
    paths: Array.from({ length: random.uint32() % 3 }, () => path(random)),
    methods: some(random, METHODS, 2),
    headers: conditions(random),
    query: conditions(random),
  }
}

function pairs(random: Random): [string, string][] {
  return some(random, ['k', 'l', 'm'], 3).map((name) => [name, pick(random, ['1', '2'])])
}

test('the table finds what testing every route and sorting finds', () => {
  const random = seededRandom(20)
  const seen = { found: 0, allow: 0, none: 0, params: 0 }
  for (let round = 0; round < 600; round++) {
    const count = 1 + (random.uint32() % 25)
    const routes = Array.from({ length: count }, (_, i) =>
      route(
        `r${i}`,
        Array.from({ length: 1 + (random.uint32() % 2) }, () => match(random)),
        random.uint32() % 4 === 0 ? pick(random, [-1, 1, 2]) : 0,
      ),
    )
    const routing = table(routes)
    for (let i = 0; i < 20; i++) {
      const depth = 1 + (random.uint32() % 4)
      const query = new URLSearchParams(pairs(random)).toString()
      const sent = lookUp(
        Array.from({ length: depth }, () => `/${pick(random, SEGMENTS)}`).join('') + (query === '' ? '' : `?${query}`),
        {
          host: pick(random, SENT_HOSTS),
          listener: pick(random, LISTENERS),
          method: pick(random, [...METHODS, 'PUT']),
          headers: pairs(random).flatMap(([name, value]) => [name.toUpperCase(), value]),
        },
      )
      const expected = reference(routes, sent)
      const found = routing.find(sent, undefined)
      const got = found !== undefined && 'value' in found ? { value: found.value, params: found.params ?? [] } : found
      expect(got, JSON.stringify({ routes, sent })).toEqual(expected)
      if (expected === undefined) seen.none++
      else if ('allow' in expected) seen.allow++
      else seen.found++
      if (got !== undefined && 'params' in got && got.params.length > 0) seen.params++
    }
  }
  // Every kind of answer was seen often enough to mean something.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(500)
})
