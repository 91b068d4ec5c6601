import { expect, test } from 'vitest'
import type { BodyStage } from '../../../../src/core/policy.ts'
import { ByteBudget } from '../../../../src/data/engine/byte-budget.ts'
import { EMPTY_CHAIN } from '../../../../src/data/engine/chain.ts'
import { Relay, type RelayOwner } from '../../../../src/data/engine/relay.ts'
import { ScriptedDownstream } from '../../../kit/scripted-downstream.ts'

const FLOW = { pause() {}, resume() {} }
const OWNER = {
  engine: { answers: new ByteBudget() },
  chain: EMPTY_CHAIN,
  behind: undefined,
  route: { plan: { buffers: { request: true, response: true, onPaused() {} } } },
  stream: false,
  snapshot: { trailerKinds: undefined as never },
  onRelayed() {},
  onRelayEnd() {},
  onRelayBroken() {},
  onBug() {},
} as unknown as RelayOwner

function relay(borrows: number | undefined, stages: readonly BodyStage[]): Relay {
  const downstream = Object.assign(new ScriptedDownstream(), borrows === undefined ? {} : { borrows, keeps: false })
  return new Relay(OWNER, FLOW, downstream, stages, [])
}

test('what waits for the head, or passes stages, is kept', () => {
  const waiting = relay(16_384, [])
  expect([waiting.borrows, waiting.keeps]).toEqual([0, true])
  waiting.open()
  expect([waiting.borrows, waiting.keeps]).toEqual([16_384, false])
  const staged = relay(16_384, [{ push: (chunk) => chunk, end: () => undefined, changesLength: false }])
  staged.open()
  expect([staged.borrows, staged.keeps]).toEqual([0, true])
})

test('what passes at once is kept if the downstream keeps it', () => {
  const passing = relay(undefined, [])
  passing.open()
  expect([passing.borrows, passing.keeps]).toEqual([0, true])
})
