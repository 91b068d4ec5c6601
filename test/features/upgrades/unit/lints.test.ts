import { expect, it } from 'vitest'
import { loadConfig } from '../../../../src/config/load.ts'
import { loadDeps } from '../../../../src/config/load-deps.ts'

const NODE = '{ listen: 127.0.0.1:8080, http1: node }'
const OWN = '{ listen: 127.0.0.1:8081 }'

/** Lines of a config that lead to findings of the lint; the keys of the route begin in line 7. */
async function found(listeners: string, keys: string, match = '{ path: /a }', top = ''): Promise<number[]> {
  const config = `apiVersion: sluice/v1
listeners: { ${listeners} }
upstreams: { u: { endpoints: [ http://10.0.0.1:8080 ] } }
routes:
  a:
    { match: ${match}, to: u,
    ${keys} }
${top}`
  const { diagnostics } = await loadConfig('a.yaml', { ...loadDeps({}), readFile: async () => Buffer.from(config) })
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  return diagnostics.filter(({ lint }) => lint === 'upgrade-at-node').map(({ at }) => at.line)
}

it.each([
  'upgrades: websocket',
  'upgrades: [ websocket, mqtt ]',
  'websocket: { ping: 30s }',
  'websocket: { managed: {} }',
])('%s is of no use where all listeners have http1: node', async (keys) => {
  expect(await found(`a: ${NODE}`, keys)).toEqual([7])
  expect(await found(`a: ${NODE}, b: ${OWN}`, keys, '{ path: /a, listeners: a }')).toEqual([7])
})

it.each([
  ['another listener changes protocols', `a: ${NODE}, b: ${OWN}`, 'websocket: { ping: 30s }', '{ path: /a }', ''],
  ['that one is the route’s', `a: ${NODE}, b: ${OWN}`, 'websocket: { ping: 30s }', '{ path: /a, listeners: b }', ''],
  [
    'one of its matches is of that one',
    `a: ${NODE}, b: ${OWN}`,
    'upgrades: websocket',
    '[ { path: /a, listeners: a }, { path: /b, listeners: b } ]',
    '',
  ],
  ['nothing is said of upgrades', `a: ${NODE}`, 'retries: off', '{ path: /a }', ''],
  ['there are to be none', `a: ${NODE}`, 'upgrades: off', '{ path: /a }', ''],
  ['there are to be none at all', `a: ${NODE}`, 'upgrades: off, websocket: { ping: 30s }', '{ path: /a }', ''],
  ['they are to be plain tunnels', `a: ${NODE}`, 'websocket: off', '{ path: /a }', ''],
  [
    'all routes have it',
    `a: ${NODE}`,
    'retries: off',
    '{ path: /a }',
    'defaults: { route: { websocket: { ping: 30s } } }\n',
  ],
])('is not found where %s', async (_what, listeners, keys, match, top) => {
  expect(await found(listeners, keys, match, top)).toEqual([])
})
