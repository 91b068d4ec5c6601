import { describe, expect, test } from 'vitest'
import type { Config } from '../../../../src/config/language/config.ts'
import { loadConfig } from '../../../../src/config/load.ts'
import { loadDeps } from '../../../../src/config/load-deps.ts'
import { isReference, substitute } from '../../../../src/config/read/environment.ts'
import type { RouteConfig } from '../../../../src/core/config.ts'

const ENV = {
  MAX: '7',
  BIG: '0x10',
  OFF: 'off',
  FALSE: 'false',
  TRUE: 'true',
  WAIT: '250ms',
  SIZE: '16KiB',
  HALF: '50%',
  PART: '0.25',
  NULL: 'null',
  TILDE: '~',
  EMPTY: '',
  VERSION: '1.10',
  GLUED: 'exact:a',
  NAME: 'app',
  WORD: 'many',
}

/** References without what a template string would read. */
function env(text: string): string {
  return text.replaceAll('@{', '$\u007b')
}

async function load(keys: string) {
  const yaml = `apiVersion: sluice/v1
listeners: { web: { listen: "127.0.0.1:8080" } }
upstreams: { app: { endpoints: ["http://127.0.0.1:9101"] } }
routes:
  app:
    match: { path: /a }
    to: app
    ${keys}
`
  return loadConfig('sluice.yaml', {
    ...loadDeps(ENV),
    readFile: async () => Buffer.from(yaml),
    readFolder: async () => [],
  })
}

async function policies(keys: string): Promise<Record<string, unknown>> {
  const { config, diagnostics } = await load(keys)
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  return ((config as Config).lean.routes[0] as RouteConfig).features
}

describe('a value that is one reference', () => {
  /** As it stands in the file, and the same as if its value stood there. */
  const SAME: readonly (readonly [string, string, string])[] = [
    ['a number', 'bulkhead: { maxConcurrent: @MAX }', '7'],
    ['a number as YAML writes it', 'bulkhead: { maxConcurrent: @BIG }', '16'],
    ['a number by default', 'bulkhead: { maxConcurrent: @NONE:-5 }', '5'],
    ['a number by default for an empty value', 'bulkhead: { maxConcurrent: @EMPTY:-5 }', '5'],
    ['a duration', 'timeouts: { attempt: @WAIT }', '250ms'],
    ['a size', 'timeouts: { minRate: { bytes: @SIZE } }', '16KiB'],
    ['a ratio in percent', 'circuitBreaker: { errorRate: @HALF }', '50%'],
    ['a ratio', 'circuitBreaker: { errorRate: @PART }', '0.25'],
    ['off for a policy', 'circuitBreaker: @OFF', 'off'],
    ['false for a policy', 'circuitBreaker: @FALSE', 'false'],
    ['off for a duration', 'timeouts: { idle: @OFF }', 'off'],
    ['false for a duration', 'timeouts: { idle: @FALSE }', 'false'],
    ['off by default', 'retries: @NONE:-off', 'off'],
    ['a number where a text may be', 'fallback: { status: @NONE:-503 }', '503'],
    ['a field that looks like a number', 'headers: { request: { set: { x-v: @VERSION } } }', '"1.10"'],
    ['a field that looks like a boolean', 'headers: { request: { set: { x-v: @TRUE } } }', '"true"'],
    ['a field that looks like null', 'headers: { request: { set: { x-v: @NULL } } }', '"null"'],
    ["a field that looks like YAML's other null", 'headers: { request: { set: { x-v: @TILDE } } }', '"~"'],
    ['a body that looks like a number', 'fallback: { body: @MAX }', '"7"'],
  ]

  test.each(SAME)('%s', async (_, keys, value) => {
    const [, before = '', name = '', after = ''] = /^(.*)@(\S+)(.*)$/.exec(keys) ?? []
    const written = await policies(before + value + after)
    expect(await policies(env(`${before}"@{${name}}"${after}`))).toEqual(written)
    expect(await policies(env(`${before}'@{${name}}'${after}`))).toEqual(written)
    expect(await policies(env(asBlock(before, `@{${name}}`)))).toEqual(written)
  })

  /** `a: { b: { c: ` with a line for each key: within { } YAML takes the braces of a reference for its own. */
  function asBlock(before: string, reference: string): string {
    const keys = before.split(/[:{ ]+/).filter((key) => key !== '')
    const lines = keys.map((key, depth) => `${'  '.repeat(depth === 0 ? 0 : depth + 2)}${key}:`)
    return `${lines.join('\n')} ${reference}`
  }

  test('a condition that looks like another form is the text', async () => {
    const other = 'other: { match: { path: /b, headers: { x-v: "@{GLUED}" } }, to: app }'
    const { config, diagnostics } = await load(env(`precedence: 1\n  ${other}`))
    expect(diagnostics).toEqual([])
    expect(config?.lean.routes[1]?.match[0]?.headers).toMatchObject([{ name: 'x-v', op: 'exact', value: 'exact:a' }])
  })
})

describe('a value that is more than a reference', () => {
  test('is text where it stands in quotes, as before', async () => {
    const { diagnostics } = await load(env('bulkhead: { maxConcurrent: "1@{MAX}" }'))
    expect(diagnostics.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^"17" \(from 1\$\{MAX\}\) is not a whole number/),
    ])
  })

  test('is what it looks like where it does not', async () => {
    expect(await policies(env('bulkhead:\n      maxConcurrent: 1@{MAX}'))).toMatchObject({
      bulkhead: { maxConcurrent: 17 },
    })
  })

  test.each(['$@{MAX}', ' @{MAX}', '@{MAX} ', '@{MAX}@{MAX}', '@{A}b}', 'x', '', '@{MAX}\n'])(
    '%j is no reference alone',
    (text) => {
      expect(isReference(env(text))).toBe(false)
    },
  )

  test.each(['@{MAX}', '@{MAX:-5}', '@{MAX:-}', '@{MAX:-a $ b}'])('%j is one', (text) => {
    expect(isReference(env(text))).toBe(true)
    expect(substitute(env(text), { MAX: '1' })).toEqual({ text: '1' })
  })
})

describe('what is wrong names the variable, its value and the place', () => {
  test.each([
    ['bulkhead: { maxConcurrent: "@{WORD}" }', '"many" (from @{WORD}) is not a whole number', 27],
    ['bulkhead: { maxConcurrent: "@{EMPTY}" }', '"" (from @{EMPTY}) is not a whole number', 27],
    ['bulkhead: { maxConcurrent: "@{WORD:-5}" }', '"many" (from @{WORD:-5}) is not a whole number', 27],
    ['timeouts: { idle: "@{MAX}" }', '"7" (from @{MAX}) is not a duration', 18],
    ['timeouts: { idle: "@{EMPTY:-}" }', '"" (from @{EMPTY:-}) is not a duration', 18],
    ['circuitBreaker: "@{TRUE}"', '"true" (from @{TRUE}) is not a map', 16],
    ['failover: "@{WORD}"', 'there is no upstream "many"; known are app (from @{WORD})', 10],
    ['failover: "@{NONE}"', 'the environment value NONE is not set; set it, or write @{NONE:-default}', 10],
  ])('%s', async (keys, message, column) => {
    const { diagnostics } = await load(env(keys))
    expect(diagnostics[0]?.message).toContain(env(message))
    expect(diagnostics[0]?.at).toEqual({ file: 'sluice.yaml', line: 8, column: column + 5 })
  })
})
