import { expect, test } from 'vitest'
import { DnsDiscovery } from '../../../../../src/control/endpoints/finding/dns.ts'
import type { FoundAddresses } from '../../../../../src/core/endpoint-source.ts'
import { ManualClock } from '../../../../kit/clock.ts'
import { memoryLog } from '../../../../kit/log.ts'
import { settle } from '../../../../kit/until.ts'

function rig(lookup: (name: string) => Promise<FoundAddresses>) {
  const clock = new ManualClock()
  const changes: string[] = []
  const log = memoryLog()
  const onChange = (name: string): void => void changes.push(name)
  return { clock, changes, log, dns: new DnsDiscovery({ lookup, concurrent: 2, every: 10_000, clock, log, onChange }) }
}

test('again every 10 s, counted from the answer', async () => {
  let asked = 0
  const { clock, dns } = rig(async () => ({ v4: [`10.0.0.${++asked}`], v6: [] }))
  await dns.watch(new Set(['a']))
  clock.advance(9_999)
  await settle()
  expect(asked).toBe(1)
  clock.advance(1)
  await settle()
  expect(dns.addresses('a')).toEqual(['10.0.0.2'])
})

test('a family that could not be asked keeps its last addresses, one that is empty loses them', async () => {
  const answers: FoundAddresses[] = [
    { v4: ['10.0.0.1'], v6: ['fd00::1'] },
    { v4: ['10.0.0.2'], v6: undefined },
    { v4: ['10.0.0.2'], v6: [] },
  ]
  const { clock, dns } = rig(async () => answers.shift() as FoundAddresses)
  await dns.watch(new Set(['a']))
  clock.advance(10_000)
  await settle()
  expect(dns.addresses('a')).toEqual(['10.0.0.2', 'fd00::1'])
  clock.advance(10_000)
  await settle()
  expect(dns.addresses('a')).toEqual(['10.0.0.2'])
})

test('a query has 5 s; its place stays taken until the resolver is done; at most two at once', async () => {
  const hanging: ((found: FoundAddresses) => void)[] = []
  const { clock, dns, log } = rig(() => new Promise((resolve) => hanging.push(resolve)))
  const watched = dns.watch(new Set(['a', 'b', 'c']))
  await settle()
  expect(hanging).toHaveLength(2)
  clock.advance(5_000)
  await settle()
  expect(log.lines.map((line) => line.fields.name)).toEqual(['a', 'b'])
  expect(hanging).toHaveLength(2)
  hanging[0]?.({ v4: ['10.0.0.1'], v6: [] })
  await settle()
  expect(hanging).toHaveLength(3)
  hanging[2]?.({ v4: ['10.0.0.3'], v6: [] })
  await watched
  expect(dns.addresses('c')).toEqual(['10.0.0.3'])
})

test('a long failure is told once, its end too', async () => {
  let fails = true
  const { clock, dns, log } = rig(async () => {
    if (fails) throw new Error('down')
    return { v4: ['10.0.0.1'], v6: [] }
  })
  await dns.watch(new Set(['a']))
  // One failure more, and the guard, whose time is real, would hold the next look back.
  for (let i = 0; i < 3; i++) {
    clock.advance(10_000)
    await settle()
  }
  expect(log.lines).toHaveLength(1)
  fails = false
  clock.advance(10_000)
  await settle()
  expect(log.lines.map((line) => line.level)).toEqual(['warn', 'info'])
})

test('closing leaves no timer', async () => {
  const { clock, dns } = rig(async () => ({ v4: ['10.0.0.1'], v6: [] }))
  await dns.watch(new Set(['a', 'b']))
  expect(clock.timers).toBe(2)
  dns.close()
  expect(clock.timers).toBe(0)
})
