import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'

const YAML = `
apiVersion: sluice/v1
listeners:
  says: { listen: 127.0.0.1:0, http1: own }
  silent: { listen: 127.0.0.1:0 }
upstreams: { orders: { endpoints: [http://127.0.0.1:1] } }
routes: { all: { match: { path: /* }, to: orders } }
`

const load = (env: Readonly<Record<string, string>>) =>
  loadConfig('sluice.yaml', { ...loadDeps(env), readFile: async () => Buffer.from(YAML) })

describe('SLUICE_HTTP1', () => {
  test('says by what a listener speaks that does not', async () => {
    const { config } = await load({ SLUICE_HTTP1: 'node' })
    expect(config?.lean.listeners.map(({ http1 }) => http1)).toEqual(['own', 'node'])
    const without = await load({})
    expect(without.config?.lean.listeners.map(({ http1 }) => http1)).toEqual(['own', 'own'])
  })

  test('is read as the key is', async () => {
    const { diagnostics } = await load({ SLUICE_HTTP1: 'nod' })
    expect(diagnostics.map(({ message }) => message)).toEqual(['"nod" is not one of own, node: did you mean node?'])
  })
})
