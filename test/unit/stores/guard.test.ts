import { afterEach, expect, test } from 'vitest'
import { CallGuard } from '../../../src/stores/guard.ts'
import { until } from '../../kit/until.ts'

let guard: CallGuard<string> | undefined

afterEach(() => guard?.close())

function rig(openFor: number) {
  const state = { calls: 0, broken: false }
  const failures: string[] = []
  const made = new CallGuard<string>({
    call: async () => {
      state.calls++
      if (state.broken) throw new Error('down')
      return `answer ${state.calls}`
    },
    window: 10_000,
    openFor,
    onFailure: (error) => failures.push(error.message),
  })
  guard = made
  return { guard: made, state, failures }
}

test('answers with what was known where the call fails', async () => {
  const { guard, state, failures } = rig(60_000)
  expect(await guard.run('known')).toBe('answer 1')
  state.broken = true
  expect(await guard.run('known')).toBe('known')
  expect(failures).toEqual(['down'])
})

test('a call that keeps failing is not made for a while, then made once', async () => {
  const { guard, state, failures } = rig(100)
  state.broken = true
  for (let i = 0; i < 10; i++) expect(await guard.run('known')).toBe('known')
  expect(state.calls).toBe(5)
  expect(failures).toHaveLength(10)
  state.broken = false
  await until(async () => (await guard.run('known')).startsWith('answer'))
  expect(state.calls).toBe(6)
})

test('news end the wait', async () => {
  const { guard, state } = rig(60_000)
  state.broken = true
  for (let i = 0; i < 6; i++) await guard.run('known')
  state.broken = false
  expect(await guard.run('known')).toBe('known')
  guard.forget()
  expect(await guard.run('known')).toBe('answer 6')
})
