import { expect, test } from 'vitest'
import type { UpstreamConfig } from '../../../../src/core/config.ts'
import type { UpstreamEndpoints } from '../../../../src/core/protocol.ts'
import type { Check, CheckDone } from '../../../../src/features/health-check/control/check.ts'
import { HealthMonitor } from '../../../../src/features/health-check/control/monitor.ts'
import type { HealthCheckOptions } from '../../../../src/features/health-check/keys.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { Slots } from '../../../../src/lib/slots.ts'
import { TestCells } from '../../../kit/cells.ts'
import { ManualClock } from '../../../kit/clock.ts'

const CHECK = { type: 'http', interval: 1000, timeout: 500, healthyAfter: 1, unhealthyAfter: 1 }

function rig() {
  const clock = new ManualClock()
  const cells = new TestCells()
  const ports: number[] = []
  const marks: [slot: number, healthy: boolean][] = []
  let answer: Parameters<CheckDone> = ['ok', '']
  const check: Check = ({ target }, done) => {
    ports.push(target.port)
    const soon = clock.after(0, () => done(...answer))
    return () => clock.cancel(soon)
  }
  const told: unknown[] = []
  const monitor = new HealthMonitor({
    checks: { http: check, tcp: check, grpc: check },
    slots: new Slots(8),
    clock,
    random: seededRandom(1),
    set: (...change) => void told.push(change),
    mark: ({ state }, healthy) => marks.push([state.slot, healthy]),
    checked: () => {},
  })
  const made = new Map<number, ReturnType<TestCells['endpoint']>>()
  const page = (check: object, ...ends: number[]) => {
    const endpoints = ends.map((port) => {
      const own = made.get(port) ?? cells.endpoint()
      made.set(port, own)
      return { id: `http://10.0.0.1:${port}`, scheme: 'http', address: '10.0.0.1', host: '10.0.0.1', port, cells: own }
    })
    return {
      config: { name: 'app', tls: {} } as unknown as UpstreamConfig,
      options: check as HealthCheckOptions,
      set: { upstream: 'app', endpoints } as unknown as UpstreamEndpoints,
    }
  }
  const asked = (): number[] => {
    ports.length = 0
    clock.advance(2500)
    return [...new Set(ports)].sort()
  }
  const say = (...result: Parameters<CheckDone>): void => {
    answer = result
  }
  return { clock, monitor, page, asked, marks, say, told, slotOf: (port: number) => made.get(port)?.state.slot }
}

test('endpoints are followed as they come and go; nothing is left when checks go off', () => {
  const { clock, monitor, page, asked } = rig()
  monitor.sync([page(CHECK, 1, 2)])
  expect(asked()).toEqual([1, 2])
  monitor.sync([page(CHECK, 2, 3)])
  expect(asked()).toEqual([2, 3])
  monitor.sync([])
  expect(asked()).toEqual([])
  expect(clock.timers).toBe(0)
})

test('an endpoint that nobody checks any more is no longer unhealthy', () => {
  const { monitor, page, asked, marks, say, slotOf } = rig()
  say('status', '500')
  monitor.sync([page(CHECK, 1, 2)])
  asked()
  expect(marks).toHaveLength(2)
  marks.length = 0
  monitor.sync([page(CHECK, 2)])
  expect(marks).toEqual([[slotOf(1), true]])
  monitor.sync([])
  expect(marks.at(-1)).toEqual([slotOf(2), true])
})

test('another upstream’s news changes nothing; other options are used at once, and the state stays', () => {
  const { monitor, page, asked, marks, say } = rig()
  say('timeout', '')
  monitor.sync([page(CHECK, 1)])
  asked()
  monitor.sync([page(CHECK, 1)])
  asked()
  expect(marks).toHaveLength(1)
  monitor.sync([page({ ...CHECK, port: 99 }, 1)])
  expect(asked()).toEqual([99])
  expect(marks).toHaveLength(1)
  say('ok', '')
  asked()
  expect(marks.at(-1)?.[1]).toBe(true)
  monitor.close()
})
