import { expect, test } from 'vitest'
import type { AnswerMessage, AskMessage } from '../../../src/core/link.ts'
import { Answerer } from '../../../src/link/answerer.ts'
import { ManualClock } from '../../kit/clock.ts'
import { settle } from '../../kit/until.ts'

const clock = new ManualClock()

function answering(answer: () => unknown) {
  const said: AnswerMessage[] = []
  const answerer = new Answerer({
    post: (message) => void said.push(message),
    find: () => answer,
    bounds: { questions: 10, bytes: 1000 },
    clock,
    fault: () => {},
  })
  return { answerer, said }
}

const ask = (id: number, changes: Partial<AskMessage> = {}): AskMessage =>
  ({
    type: 'ask',
    id,
    to: 'a',
    name: 'x',
    value: 1,
    key: undefined,
    until: clock.now() + 100,
    ...changes,
  }) as AskMessage

test('what its asker has stopped waiting for does not begin', () => {
  let begun = 0
  const { answerer, said } = answering(() => ++begun)
  answerer.receive(ask(1, { until: clock.now() }))
  expect([begun, said]).toEqual([0, [{ type: 'no-answer', id: 1, why: 'deadline' }]])
})

test.each(['resolves', 'rejects'])('nothing is said of what was given up when it %s', async (how) => {
  let end = (): void => {}
  const { answerer, said } = answering(
    () =>
      new Promise((resolve, reject) => {
        end = () => (how === 'resolves' ? resolve(1) : reject(new Error('thrown by a test')))
      }),
  )
  answerer.receive(ask(1))
  answerer.receive({ type: 'give-up', id: 1 })
  end()
  await settle(1)
  expect(said).toEqual([])
})

test('all that is open is gone when it closes, and what comes later', () => {
  const { answerer, said } = answering(() => new Promise(() => {}))
  for (const id of [1, 2]) answerer.receive(ask(id, { key: 'k' }))
  answerer.close()
  answerer.receive(ask(3))
  answerer.close()
  expect(said).toEqual([1, 2, 3].map((id) => ({ type: 'no-answer', id, why: 'gone' })))
})
