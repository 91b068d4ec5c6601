import { beforeEach, describe, expect, test } from 'vitest'
import { Attempt } from '../../../../src/core/attempt.ts'
import { ended, GOOD, LEFT_BEHIND, SPARE } from '../../../../src/core/outcome.ts'
import type { Endpoint } from '../../../../src/data/upstreams/endpoint.ts'
import { OUTLIERS } from '../../../kit/judged.ts'
import { UpstreamRig } from '../../../kit/upstream-rig.ts'

let rig: UpstreamRig

beforeEach(() => {
  rig = new UpstreamRig()
})

describe('an endpoint whose clients leave', () => {
  /** The same endpoint, and another one, as two workers see them. */
  function workers(): [Endpoint, Endpoint] {
    const shared = rig.shared({ features: { outlierDetection: OUTLIERS } }, [1, 2])
    const [a, b] = shared.map(({ endpoints }) => endpoints[0] as Endpoint)
    return [a as Endpoint, b as Endpoint]
  }

  /** One that was sent `ms` ago, and no answer came. */
  function left(endpoint: Endpoint, ms: number): void {
    endpoint.learn(ended('client_gone'), new Attempt(1, 'a', rig.clock.now() - ms), ms, rig.clock.now())
  }

  function answers(endpoint: Endpoint): void {
    const at = new Attempt(1, 'a', rig.clock.now())
    at.headAt = rig.clock.now()
    endpoint.learn(GOOD, at, 1, rig.clock.now())
  }

  /** Sent now, and overtaken after so many milliseconds. */
  function overtaken(endpoint: Endpoint, ms: number, head = LEFT_BEHIND): void {
    const at = new Attempt(1, 'a', rig.clock.now())
    rig.clock.advance(ms)
    endpoint.learn(head, at, ms, rig.clock.now())
  }

  test('or is overtaken soon, by one attempt after another, is out after a second without an answer', () => {
    const [a] = workers()
    for (let i = 0; i < 9; i++) overtaken(a, 100)
    // 900 ms; from 950 on each of them counts, and the fifth ejects it.
    for (let i = 0; i < 4; i++) overtaken(a, 100)
    expect(a.ejected).toBe(false)
    overtaken(a, 100)
    expect(a.ejected).toBe(true)
  })

  test('stays where many were overtaken at once: it was no second without an answer', () => {
    const [a] = workers()
    const at = new Attempt(1, 'a', rig.clock.now())
    rig.clock.advance(500)
    for (let i = 0; i < 40; i++) a.learn(LEFT_BEHIND, at, 500, rig.clock.now())
    expect(a.ejected).toBe(false)
  })

  test.each([0, 1])('stays where it answers in between, this worker or another: %i', (worker) => {
    const all = workers()
    for (let i = 0; i < 40; i++) {
      for (let k = 0; k < 8; k++) overtaken(all[0], 100)
      rig.clock.advance(150)
      // A head, which the window of failures in a row does not see.
      const at = new Attempt(1, 'a', rig.clock.now())
      at.headAt = rig.clock.now()
      all[worker]?.learn(ended('client_gone'), at, 1, rig.clock.now())
      expect(all[0].ejected).toBe(false)
    }
  })

  test('stays where it is seldom overtaken: those are not added up', () => {
    const [a] = workers()
    for (let i = 0; i < 40; i++) {
      rig.clock.advance(11_000)
      overtaken(a, 100)
      expect(a.ejected).toBe(false)
    }
  })

  test('stays where it usually needs a third of that time', () => {
    const [a] = workers()
    for (let i = 0; i < 130; i++) {
      const at = new Attempt(1, 'a', rig.clock.now() - 700)
      at.headAt = rig.clock.now()
      a.learn(GOOD, at, 700, rig.clock.now())
    }
    rig.clock.advance(200)
    for (let i = 0; i < 15; i++) overtaken(a, 100)
    expect(a.ejected).toBe(false)
  })

  test('stays where its attempts were the later ones, however long they took', () => {
    const [a] = workers()
    for (let i = 0; i < 40; i++) {
      overtaken(a, 3_000, SPARE)
      expect(a.ejected).toBe(false)
    }
  })

  test('is out when no worker had an answer of it meanwhile', () => {
    const [a, b] = workers()
    answers(b)
    for (let i = 0; i < 5; i++) {
      expect(a.ejected).toBe(false)
      rig.clock.advance(1_200)
      left(i % 2 === 0 ? a : b, 1_000)
    }
    expect([a.ejected, b.ejected]).toEqual([true, true])
  })

  test('stays when another worker had one', () => {
    const [a, b] = workers()
    for (let i = 0; i < 20; i++) {
      rig.clock.advance(500)
      answers(b)
      rig.clock.advance(600)
      left(a, 1_000)
    }
    expect(a.ejected).toBe(false)
  })

  test('stays where it usually needs more than a third of what they waited', () => {
    const [a] = workers()
    for (let i = 0; i < 130; i++) {
      const at = new Attempt(1, 'a', rig.clock.now() - 700)
      at.headAt = rig.clock.now()
      a.learn(GOOD, at, 700, rig.clock.now())
    }
    rig.clock.advance(5_000)
    for (let i = 0; i < 20; i++) left(a, 1_800)
    expect(a.ejected).toBe(false)
    for (let i = 0; i < 5; i++) left(a, 2_200)
    expect(a.ejected).toBe(true)
  })
})
