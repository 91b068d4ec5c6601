import { expect, test } from 'vitest'
import { EndpointMarks } from '../../../../src/control/endpoints/marks.ts'
import { EndpointWords } from '../../../../src/core/endpoint-words.ts'
import {
  type EndpointCells,
  EndpointStateBit,
  EndpointWord,
  type UpstreamEndpoints,
} from '../../../../src/core/protocol.ts'
import { TestCells } from '../../../kit/cells.ts'
import { ManualClock } from '../../../kit/clock.ts'

function rig() {
  const cells = new TestCells()
  const clock = new ManualClock()
  const marks = new EndpointMarks((ref) => cells.space.int32(ref), clock)
  const read = ({ state }: EndpointCells, word: number): number => cells.space.int32(state)[state.slot + word] as number
  return { cells, clock, marks, read }
}

test('health and drain keep out of each other’s way; who becomes usable warms up', () => {
  const { cells, clock, marks, read } = rig()
  const endpoint = cells.endpoint()
  const words = new EndpointWords(cells.space.int32(endpoint.state), endpoint.state.slot)
  words.clear(EndpointStateBit.unhealthy, clock.now())
  expect(read(endpoint, EndpointWord.warming)).toBe(0)
  words.set(EndpointStateBit.unhealthy)
  marks.setDraining(endpoint, true)
  expect(read(endpoint, EndpointWord.state)).toBe(EndpointStateBit.unhealthy | EndpointStateBit.draining)
  clock.advance(4321.4)
  words.clear(EndpointStateBit.unhealthy, clock.now())
  expect(read(endpoint, EndpointWord.state)).toBe(EndpointStateBit.draining)
  expect(read(endpoint, EndpointWord.warming)).toBe(1)
  expect(read(endpoint, EndpointWord.since)).toBe(5321)
  clock.advance(100)
  marks.setDraining(endpoint, false)
  expect(read(endpoint, EndpointWord.state)).toBe(0)
  expect(read(endpoint, EndpointWord.since)).toBe(5421)
})

test('endpoints that come later warm up, the first ones don’t', () => {
  const { cells, marks, read } = rig()
  const [a, b] = [cells.endpoint(), cells.endpoint()]
  const set = (...list: EndpointCells[]) =>
    [
      { upstream: 'app', endpoints: list.map((each, i) => ({ id: `http://10.0.0.${i}:80`, cells: each })) },
    ] as unknown as UpstreamEndpoints[]
  marks.arrived(set(a))
  marks.arrived(set(a, b))
  expect([a, b].map((each) => read(each, EndpointWord.warming))).toEqual([0, 1])
})
