import { afterAll, beforeAll, expect, test } from 'vitest'
import { sluice } from '../cli/cli.ts'
import { folderOf, marking, remove } from './files.ts'

const FEATURE = `name: 'x', doc: 'Does it.', keys: {}`
const feature = (members: string): string => `export default { ${members} }`
const like = (members: string): string => feature(`${FEATURE}, ${members}`)

/** Text of the module, and what is said of it. */
const MODULES: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
  empty: ['', /no default export \(it exports nothing\); write: export default defineFeature/],
  named: ['export const feature = {}', /no default export \(it exports feature\)/],
  nothing: ['export default null', /default: null is not an object/],
  words: ['export default "x"', /default: "x" is not an object/],
  called: ['export default () => ({})', /default: a function is not an object/],
  lists: ['export default [[]]', /default: a list is not an object/],
  nameless: [feature(`doc: 'x', keys: {}`), /default: name: is missing/],
  oddname: [feature(`name: 'a-b', doc: 'x', keys: {}`), /name: "a-b" is not a name such as auditHeader/],
  prototype: [feature(`name: 'constructor', doc: 'x', keys: {}`), /name: "constructor" is not a name such as/],
  ours: [feature(`name: 'retries', doc: 'x', keys: {}`), /the name retries is taken by the feature retries of Sluice/],
  core: [
    `import { text } from 'sluice'\nexport default { name: 'match', doc: 'x', keys: { route: text() } }`,
    /keys\.route: match is a key of Sluice there/,
  ],
  twice: [
    `const one = { ${FEATURE.replace("'x'", "'same'")} }\nexport default [one, one]`,
    /the feature "same": the name same is taken by the feature same of the plug-in \.\/twice\.ts/,
  ],
  silent: [feature(`name: 'x', doc: ' ', keys: {}`), /doc: " " is not a text/],
  keyless: [feature(`name: 'x', doc: 'x'`), /keys: is missing/],
  oddplace: [
    feature(`name: 'x', doc: 'x', keys: { routes: {} }`),
    /keys\.routes: is no member of it; did you mean route/,
  ],
  noschema: [
    feature(`name: 'x', doc: 'x', keys: { route: 'text' }`),
    /keys\.route: is not a schema; make one with text\(\)/,
  ],
  typo: [like('metric: {}'), /metric: is no member of it; did you mean metrics\?/],
  stage: [
    like(`places: { a: { stage: '10', why: 'x' } }, compile() {}`),
    /places\.a\.stage: "10" is not a number from 0/,
  ],
  endless: [like(`places: { a: { stage: NaN, why: 'x' } }, compile() {}`), /places\.a\.stage: NaN is not a number/],
  why: [like(`places: { a: { stage: 1 } }, compile() {}`), /places\.a\.why: is missing/],
  uncompiled: [like(`places: { a: { stage: 1, why: 'x' } }`), /compile: is missing: places are those of policies/],
  placeless: [like('compile() {}'), /places: is missing: compile returns policies by the names of places/],
  data: [like(`places: { a: { stage: 1, why: 'x' } }, compile: {}`), /compile: an object is not a function/],
  kind: [
    like(`metrics: { sluice_x: { kind: 'summary', help: 'x', labels: [] } }`),
    /metrics\.sluice_x\.kind: "summary" is not/,
  ],
  metric: [
    like(`metrics: { 'a b': { kind: 'counter', help: 'x', labels: [] } }`),
    /metrics\.a b: is not the name of a metric/,
  ],
  taken: [
    feature(
      `name: 'own', doc: 'x', keys: {}, metrics: { sluice_requests_total: { kind: 'counter', help: 'x', labels: [] } }`,
    ),
    /the metric sluice_requests_total is taken by Sluice/,
  ],
  decided: [like(`decisions: { a: { doc: 'x', facts: {} } }`), /decisions\.a\.sentence: is missing/],
  lasting: [
    like(`states: { kind: 'x', list: 'workers', title: 'x', labels: [], normal: 'a', states: {}, read() {} }`),
    /states\.list: workers is something else in the answers of the API/,
  ],
  counted: [
    like(`events: { a: { log: { level: 'info', message: 'x' }, counter: { metric: 'no', labels() {} } } }`),
    /no is none of its metrics/,
  ],
  upstream: [
    `import { text } from 'sluice'\n${like('').replace('keys: {}', 'keys: { upstream: text() }')}`,
    /upstream: is missing: keys\.upstream says/,
  ],
  throwing: ['const a = 1\n\nthrow new Error("boom at the start")', /boom at the start \(line 3 of it\)/],
  rejecting: ['await Promise.reject("no")', /rejecting\.ts: no$/],
  syntax: ['export default {', /Expected|Unexpected/],
  enums: ['enum A { b }\nexport default A', /enum is not supported in strip-only mode/],
  lost: ['import "./nowhere.ts"', /Cannot find module .*nowhere\.ts/],
  unknown: ['import { createEverything } from "sluice"', /does not provide an export named 'createEverything'/],
  common: ['module.exports = {}', /module is not defined in ES module scope/],
  proxy: [
    'export default new Proxy({}, { ownKeys() { throw new Error("look away") } })',
    /cannot be looked at: look away/,
  ],
  hanging: ['await new Promise(() => {})', /has not ended within 10 s: something at its top level waits/],
}
const OTHERS = { './missing.ts': /cannot be read: ENOENT/, 'no-such-package': /Cannot find package 'no-such-package'/ }

let folder: string
beforeAll(async () => {
  const files = Object.entries(MODULES).map(([name, [text]]) => [`${name}.ts`, text])
  const names = [...Object.keys(MODULES).map((name) => `./${name}.ts`), './good.ts']
  folder = await folderOf({
    ...Object.fromEntries(files),
    'good.ts': marking('good'),
    'sluice.yaml': yamlOf(names),
    'others.yaml': yamlOf(Object.keys(OTHERS)),
  })
})
afterAll(() => remove(folder))

/** Each on a line of its own, from the second on. */
function yamlOf(names: readonly string[]): string {
  const list = names.map((name) => `- ${name}\n`).join('')
  return `apiVersion: sluice/v1\nplugins:\n${list}listeners: { web: { listen: 127.0.0.1:0 } }\nroutes:\n  a: { match: { path: /* }, respond: { status: 204 } }\n`
}

interface Found {
  readonly line: number
  readonly path: string
  readonly message: string
}

async function found(file: string): Promise<readonly Found[]> {
  const { code, stdout, stderr } = await sluice(folder, ['check', file, '--plugins', '--json'])
  expect(stderr).toBe('')
  expect(code).toBe(2)
  return JSON.parse(stdout) as readonly Found[]
}

test('what is wrong with a module is said at its line, and of no other', async () => {
  const problems = await found('sluice.yaml')
  const said = Object.keys(MODULES).map((name, i) => [name, problems.filter(({ line }) => line === 3 + i)] as const)
  for (const [i, [, own]] of said.entries()) expect(own.map(({ path }) => path)).toEqual(own.map(() => `plugins[${i}]`))
  const unsaid = said.filter(([name, own]) => !own.some(({ message }) => MODULES[name]?.[1].test(message)))
  expect(unsaid).toEqual([])
  expect(problems.filter(({ line }) => line >= 3 + Object.keys(MODULES).length)).toEqual([])
  expect(JSON.stringify(problems)).not.toMatch(/\?sluice=/)
}, 60_000)

test('so is what cannot be read', async () => {
  const problems = await found('others.yaml')
  expect(problems.map(({ line }) => line)).toEqual([3, 4])
  for (const [i, message] of Object.values(OTHERS).entries()) expect(problems[i]?.message).toMatch(message)
})
