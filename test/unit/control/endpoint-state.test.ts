import { expect, test } from 'vitest'
import { endpointState } from '../../../src/control/endpoint-state.ts'
import { EndpointState } from '../../../src/core/protocol.ts'

test('an operator counts before health', () => {
  expect(endpointState(0)).toBe('usable')
  expect(endpointState(EndpointState.unhealthy)).toBe('unhealthy')
  expect(endpointState(EndpointState.draining)).toBe('draining')
  expect(endpointState(EndpointState.draining | EndpointState.unhealthy)).toBe('draining')
})
