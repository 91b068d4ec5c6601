import { describe, expect, it } from 'vitest'
import { expectAt, load } from '../../../kit/lints.ts'

/** Routes by name, each a match and what else it has; all answer by themselves. */
function routes(...lines: readonly string[]): string {
  return `routes:\n${lines.map((line) => `  ${line.replace(/ \}$/, ', respond: {} }')}\n`).join('')}`
}

async function message(sections: string): Promise<string | undefined> {
  return (await load(sections.replaceAll('‸', ''))).diagnostics[0]?.message
}

const HIDDEN: readonly (readonly [string, readonly string[], string])[] = [
  [
    'a wider path of a higher precedence',
    ['all: { match: { path: /a/* }, precedence: 1 }', '‸one: { match: { path: "/a/{id}" } }'],
    'GET http://any.invalid/a/x',
  ],
  [
    'a wildcard host of a higher precedence',
    [
      'all: { match: { host: "*.example.com" }, precedence: 1 }',
      '‸one: { match: { host: a.b.example.com, path: /x } }',
    ],
    'GET http://a.b.example.com/x',
  ],
  [
    'a parameter of a higher precedence, for a literal',
    [
      'all: { match: { path: "/a/{id}", methods: [GET, PUT] }, precedence: 1 }',
      '‸one: { match: { path: /a/b, methods: PUT } }',
    ],
    'PUT http://any.invalid/a/b',
  ],
  [
    'GET for HEAD',
    ['all: { match: { methods: GET }, precedence: 1 }', '‸one: { match: { methods: HEAD } }'],
    'HEAD http://any.invalid/x',
  ],
  [
    'weaker conditions of a higher precedence',
    [
      'all: { match: { headers: { x-v: { prefix: "1." } }, query: { q: { present: true } } }, precedence: 1 }',
      '‸one: { match: { headers: { x-v: "1.5", x-w: "é" }, query: { q: a b } } }',
    ],
    `GET http://any.invalid/x?q=a%20b -H 'x-v: 1.5' -H 'x-w: é'`,
  ],
  [
    'a regular expression of a higher precedence, for one path',
    ['all: { match: { path: "~ ^/v[0-9]+$" }, precedence: 1 }', '‸one: { match: { path: /v1 } }'],
    'GET http://any.invalid/v1',
  ],
  [
    'every path of the host, for a regular expression',
    ['all: { match: { host: a.example.com } }', '‸one: { match: { host: a.example.com, path: "~ ^/v[0-9]+/.*$" } }'],
    'GET http://a.example.com/v0/',
  ],
  [
    'one of two paths',
    ['all: { match: { path: /a/* }, precedence: 1 }', 'one: { match: { paths: [ /b, ‸/a/c ] } }'],
    'GET http://any.invalid/a/c',
  ],
]

const SEEN: readonly (readonly [string, readonly string[]])[] = [
  ['a wider path of the same precedence', ['all: { match: { path: /a/* } }', 'one: { match: { path: /a/b } }']],
  ['another method', ['all: { match: { path: /a, methods: GET }, precedence: 1 }', 'one: { match: { path: /a } }']],
  [
    'another condition',
    [
      'all: { match: { headers: { x-v: "1" } }, precedence: 1 }',
      'one: { match: { headers: { x-v: { present: true } } } }',
    ],
  ],
  [
    'the apex of a wildcard',
    ['all: { match: { host: "*.example.com" }, precedence: 1 }', 'one: { match: { host: example.com } }'],
  ],
  ['all below an exact path', ['all: { match: { path: /a }, precedence: 1 }', 'one: { match: { path: /a/* } }']],
  [
    'a part of a regular expression',
    ['all: { match: { path: /v1/* } }', 'one: { match: { path: "~ ^/v[0-9]+/.*$" } }'],
  ],
  [
    'a regular expression beside any host',
    ['all: { match: {} }', 'one: { match: { host: a.example.com, path: "~ ^/v[0-9]+$" } }'],
  ],
  [
    'a header that must be absent',
    ['all: { match: { headers: { x-v: { absent: true } } }, precedence: 1 }', 'one: { match: {} }'],
  ],
]

describe('route-never-matches', () => {
  it.each(HIDDEN)('finds %s, with a request that shows it', async (_name, lines, request) => {
    await expectAt(routes(...lines), 'route-never-matches')
    expect(await message(routes(...lines))).toContain(`route all (line 4) takes all of them, because`)
    expect((await message(routes(...lines)))?.endsWith(`; such as ${request}`)).toBe(true)
  })

  it.each(SEEN)('leaves %s', async (_name, lines) => {
    await expectAt(routes(...lines), undefined)
  })

  it.each(['~ ^/search[?]q=.*$', '~ ^v1/.*$', '~ ^/a b$', '~ ^/(x#|y#)z$'])(
    'finds that %s can match no path',
    async (path) => {
      const text = routes(`‸one: { match: { path: '${path}' } }`)
      await expectAt(text, 'route-never-matches')
      expect(await message(text)).toMatch(/matches no path; paths begin with a slash/)
    },
  )

  it.each(['~ ^/search([?]q=.*)?$', '~ ^/?v1/.*$', '~ .*', '~ ^/a[ /]b$'])('leaves %s', async (path) => {
    await expectAt(routes(`one: { match: { path: '${path}' } }`), undefined)
  })
})

describe('routes-overlap', () => {
  it.each([
    ['~ ^/files/.*[.]png$', '~ ^/files/v[0-9]+/.*$', 'GET http://any.invalid/files/v0/.png'],
    ['~ ^/[a-z]+$', '~ ^/[a-c0-9]+$', 'GET http://any.invalid/a'],
    ['~ ^/(a|b)+c$', '~ ^/abab.{1,3}$', 'GET http://any.invalid/ababc'],
  ])('finds %s and %s, with a request that fits both', async (first, second, request) => {
    const text = routes(`a: { match: { path: '${first}' } }`, `b: { match: { path: ‸'${second}' } }`)
    await expectAt(text, 'routes-overlap')
    expect(await message(text)).toBe(
      `overlaps with route a (line 4), and only their names decide: ${request} goes there; give one of them a precedence`,
    )
  })

  it('tells it at the one whose name comes later, wherever it stands', async () => {
    await expectAt(routes(`z: { match: { path: ‸'~ ^/.b$' } }`, `y: { match: { path: '~ ^/a.$' } }`), 'routes-overlap')
  })

  it.each([
    ['regular expressions that exclude each other', "path: '~ ^/a[0-9]$'", "path: '~ ^/a[a-z]$'"],
    ['other hosts', "host: a.example.com, path: '~ ^/.a$'", "host: b.example.com, path: '~ ^/a.$'"],
    ['other methods', "methods: GET, path: '~ ^/.a$'", "methods: PUT, path: '~ ^/a.$'"],
    ['one with a condition more', "headers: { x: '1' }, path: '~ ^/.a$'", "path: '~ ^/a.$'"],
    [
      'conditions of which only one holds',
      "headers: { x: { absent: true } }, path: '~ ^/.a$'",
      "headers: { x: '1' }, path: '~ ^/a.$'",
    ],
  ])('leaves %s', async (_name, first, second) => {
    await expectAt(routes(`a: { match: { ${first} } }`, `b: { match: { ${second} } }`), undefined)
  })

  it('leaves what a more specific route takes anyway', async () => {
    const lines = [
      `a: { match: { path: '~ ^/(a|b)$' } }`,
      `b: { match: { path: '~ ^/(a|c)$' } }`,
      'c: { match: { path: /a } }',
    ]
    await expectAt(routes(...lines), undefined)
  })
})

describe('path-always-refused', () => {
  it.each([
    ['double slashes whose merged path has no route', ['a: { match: { path: ‸/a//b } }']],
    [
      'double slashes whose merged path has another route',
      ['a: { match: { path: ‸//a/* } }', 'b: { match: { path: /a/* } }'],
    ],
    ['parameters', ['a: { match: { paths: [/a, ‸"/b;v=1/{id}"] } }']],
  ])('finds %s', (_, lines) => expectAt(routes(...lines), 'path-always-refused'))

  it.each([
    ['a slash at the end', '', ['a: { match: { path: /a/ } }']],
    ['double slashes of a route that takes the merged path, too', '', ['a: { match: { paths: [/a//b, /a/b] } }']],
    ['double slashes that are kept', 'pathPolicy: { slashes: keep }\n', ['a: { match: { path: /a//b } }']],
    ['parameters that are kept', 'pathPolicy: { parameters: keep }\n', ['a: { match: { path: "/a;b/*" } }']],
  ])('not: %s', (_, head, lines) => expectAt(head + routes(...lines), undefined))

  it('says what is read, or matched', async () => {
    const double = routes('a: { match: { path: /a//b } }')
    expect(await message(double)).toBe(
      'never gets a request: /a//b is refused. Read with merged slashes, the path has another route or none.',
    )
    expect(await message(`pathPolicy: { slashes: merge }\n${double}`)).toBe(
      'never gets a request: /a//b is matched as /a/b',
    )
    expect(await message(`pathPolicy: { slashes: refuse }\n${double}`)).toMatch(/two slashes in a row/)
  })
})
