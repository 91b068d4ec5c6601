import { describe, expect, test } from 'vitest'
import { liveness, type ProbeFacts, readiness, startup } from '../../../../src/control/admin/probes.ts'

const well: ProbeFacts = {
  configured: true,
  listening: true,
  draining: false,
  silence: 100,
  loopAge: 100,
  replacingFails: false,
  workers: 2,
  workersServing: 2,
  upstreamsDown: 0,
  configStale: false,
}
const ok = { ok: true, reasons: [], notes: [] }

test('all is well', () => {
  expect([startup(well), readiness(well), liveness(well)]).toEqual([ok, ok, ok])
})

describe('/startupz', () => {
  test.each([
    [{ configured: false, listening: false }, ['no_config', 'not_listening']],
    [{ listening: false }, ['not_listening']],
  ])('%j', (facts, reasons) => {
    expect(startup({ ...well, ...facts })).toEqual({ ok: false, reasons, notes: [] })
    expect(readiness({ ...well, ...facts, silence: Number.POSITIVE_INFINITY }).reasons).toEqual(reasons)
  })

  test('never waits for upstreams, and stays once it was', () => {
    expect(startup({ ...well, upstreamsDown: 9, draining: true, silence: 1e6, workersServing: 0 }).ok).toBe(true)
  })
})

describe('/readyz', () => {
  test('draining', () => {
    expect(readiness({ ...well, draining: true })).toEqual({ ok: false, reasons: ['draining'], notes: [] })
  })

  test('no worker has beaten for 5 s', () => {
    expect(readiness({ ...well, silence: 5_000 }).ok).toBe(true)
    expect(readiness({ ...well, silence: 5_001 })).toEqual({ ok: false, reasons: ['no_worker_beats'], notes: [] })
  })

  test('some workers or upstreams down are notes', () => {
    expect(readiness({ ...well, workersServing: 1, upstreamsDown: 2 })).toEqual({
      ok: true,
      reasons: [],
      notes: ['workers_down', 'upstreams_down'],
    })
  })
})

describe('/livez', () => {
  test.each([
    [{ loopAge: 10_001 }, 'control_loop_stuck'],
    [{ replacingFails: true }, 'replacing_workers_fails'],
  ])('%j', (facts, reason) => {
    expect(liveness({ ...well, ...facts })).toEqual({ ok: false, reasons: [reason], notes: [] })
  })

  test('silent workers, drain and startup are no reason to kill the process', () => {
    expect(liveness({ ...well, silence: 1e6, draining: true, configured: false, listening: false }).ok).toBe(true)
  })
})
