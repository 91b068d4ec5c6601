import { expect, test } from 'vitest'
import { endpointState } from '../../../../src/control/endpoints/state.ts'
import { CellRegistry } from '../../../../src/control/registry/registry.ts'
import { EndpointStateBit as Bits, EndpointWord } from '../../../../src/core/protocol.ts'

test('an operator counts before checks, checks before attempts', () => {
  const registry = new CellRegistry(1)
  const identity = { upstream: 'a', scheme: 'http', address: '10.0.0.1', port: 80, sni: '' } as const
  const cells = registry.lease().endpoint(identity)
  const { slot } = cells.state
  const words = registry.words(cells.state)
  const state = (bits: number, ejected: number): string => {
    words[slot + EndpointWord.state] = bits
    words[slot + EndpointWord.ejected] = ejected
    return endpointState(registry, cells)
  }
  expect(state(0, 0)).toBe('usable')
  expect(state(0, 1)).toBe('ejected')
  expect(state(Bits.unhealthy, 1)).toBe('unhealthy')
  expect(state(Bits.draining, 1)).toBe('draining')
  expect(state(Bits.draining | Bits.unhealthy, 0)).toBe('draining')
})
