import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Collector } from '../../../src/control/seeing/export/collector.ts'
import { SpanEncoder } from '../../../src/control/seeing/export/sdk-spans.ts'
import { SpanExport } from '../../../src/control/seeing/export/spans.ts'
import { controlMetrics } from '../../../src/control/seeing/metrics/control-metrics.ts'
import { MetricsRegistry } from '../../../src/control/seeing/metrics/metrics-registry.ts'
import { packRecord } from '../../../src/core/spans.ts'
import { FEATURES } from '../../../src/features/index.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { ManualClock } from '../../kit/clock.ts'
import { type TestCollector, testCollector } from '../../kit/collector.ts'
import { memoryLog } from '../../kit/log.ts'
import { requestRecord } from '../../kit/records.ts'
import { closedPort } from '../../kit/tcp.ts'
import { settle, until } from '../../kit/until.ts'

let collector: TestCollector
let rig: Rig

beforeEach(async () => {
  collector = await testCollector()
})

afterEach(async () => {
  await rig.export.close()
  await collector.close()
})

/** An export to a real collector, in virtual time but for the network. */
class Rig {
  readonly clock = new ManualClock()
  readonly log = memoryLog()
  readonly export: SpanExport
  private readonly registry = new MetricsRegistry(systemClock, FEATURES)

  constructor(url = collector.url, waiting = 8192) {
    this.export = new SpanExport({
      encoder: new SpanEncoder({ service: 'edge', version: '1.2.3', instance: 'i-1' }, false),
      collector: new Collector({
        url: `${url}/v1/traces`,
        headers: { 'x-key': 'k' },
        timeout: 10_000,
        clock: this.clock,
      }),
      waiting,
      sent: () => {},
      metrics: controlMetrics(this.registry),
      clock: this.clock,
      log: this.log,
    })
  }

  /** So many records of two spans each. */
  take(records: number): void {
    this.export.take(Array.from({ length: records }, () => packRecord(requestRecord())))
  }

  async counted(): Promise<Record<string, number>> {
    const text = (await this.registry.expose()).body.toString()
    const counts = [...text.matchAll(/^sluice_spans_(?:exported_total|dropped_total\{reason="(\w+)"\}) (\d+)$/gm)]
    return Object.fromEntries(
      counts.map(([, reason = 'exported', value]) => [reason, Number(value)]).filter(([, value]) => value !== 0),
    )
  }
}

const messages = (): string[] => rig.log.lines.map(({ message }) => message)

describe('a collector that works', () => {
  test('gets what there is a second after the first, in one request, with the configured fields', async () => {
    rig = new Rig()
    rig.take(1)
    rig.clock.advance(999)
    rig.take(2)
    await settle()
    expect(collector.requests).toEqual([])
    rig.clock.advance(1)
    await until(() => collector.spans.length === 6)
    expect(collector.requests).toHaveLength(1)
    expect(collector.requests[0]?.headers).toMatchObject({ 'x-key': 'k', 'content-type': 'application/x-protobuf' })
    await until(async () => (await rig.counted()).exported === 6)
    expect(collector.spans[0]?.resource).toMatchObject({ 'service.name': 'edge', 'service.version': '1.2.3' })
  })

  test('gets many in batches of about 512, one after another', async () => {
    rig = new Rig()
    rig.take(600)
    let open = 0
    let most = 0
    collector.script = (res) => {
      most = Math.max(most, ++open)
      setImmediate(() => {
        open--
        res.writeHead(200).end()
      })
    }
    for (let i = 1; i <= 3; i++) {
      rig.clock.advance(1000)
      await until(async () => (await rig.counted()).exported === Math.min(1200, 512 * i))
    }
    expect(collector.requests.map(({ spans }) => spans.length)).toEqual([512, 512, 176])
    expect(most).toBe(1)
  })

  test('may reject some of them', async () => {
    rig = new Rig()
    // ExportTraceServiceResponse { partial_success { rejected_spans: 2 } }
    collector.script = (res) => void res.writeHead(200).end(Buffer.from([0x0a, 0x02, 0x08, 0x02]))
    rig.take(3)
    rig.clock.advance(1000)
    await until(async () => (await rig.counted()).exported === 4)
    expect(await rig.counted()).toEqual({ exported: 4, rejected: 2 })
  })
})

test('an answer that makes no sense rejects nothing', async () => {
  rig = new Rig()
  collector.script = (res) => void res.writeHead(200).end('thank you')
  rig.take(1)
  rig.clock.advance(1000)
  await until(async () => (await rig.counted()).exported === 2)
})

describe('a collector in trouble', () => {
  test.each([429, 503])('is asked again when its Retry-After says, and gets everything (%i)', async (status) => {
    rig = new Rig()
    collector.script = (res, n) =>
      void (n === 0 ? res.writeHead(status, { 'retry-after': '7' }) : res.writeHead(200)).end()
    rig.take(2)
    rig.clock.advance(1000)
    await until(() => messages().includes('the collector does not accept spans'))
    await settle()
    rig.clock.advance(6999)
    await settle()
    expect(collector.requests).toHaveLength(1)
    rig.clock.advance(1)
    await until(() => messages().includes('the collector accepts spans again'))
    expect(collector.spans).toHaveLength(4)
    expect(await rig.counted()).toEqual({ exported: 4 })
  })

  test('that refuses loses what it refused, and nothing else', async () => {
    rig = new Rig()
    collector.script = (res, n) => void res.writeHead(n === 0 ? 400 : 200).end()
    rig.take(2)
    rig.clock.advance(1000)
    await until(async () => (await rig.counted()).rejected === 4)
    rig.take(1)
    await settle()
    rig.clock.advance(1000)
    await until(() => collector.spans.length === 2)
    await until(async () => (await rig.counted()).exported === 2)
  })

  test('that is down keeps a bounded queue waiting; the rest is dropped and counted', async () => {
    rig = new Rig(`http://127.0.0.1:${await closedPort()}`, 600)
    for (let i = 0; i < 3; i++) {
      rig.take(200)
      rig.clock.advance(1000)
      await settle()
    }
    expect(await rig.counted()).toEqual({ queue_full: 600 })
    await until(() => messages().length > 0)
    expect(messages()).toEqual(['the collector does not accept spans'])
  })

  test('that never answers is given up at the deadline, and asked again', async () => {
    rig = new Rig()
    collector.script = (res, n) => void (n > 0 && res.writeHead(200).end())
    rig.take(1)
    rig.clock.advance(1000)
    await until(() => collector.requests.length === 1)
    rig.clock.advance(10_000)
    await until(() => messages().includes('the collector does not accept spans'))
    await settle()
    rig.clock.advance(1000)
    await until(() => collector.spans.length === 2)
    await until(() => messages().includes('the collector accepts spans again'))
  })

  test('that answers without end is cut', async () => {
    rig = new Rig()
    collector.script = (res) => {
      res.writeHead(200)
      const more = (): void => void (res.destroyed || (res.write(Buffer.alloc(65_536)) && setImmediate(more)))
      res.on('drain', more)
      more()
    }
    rig.take(1)
    rig.clock.advance(1000)
    await until(async () => (await rig.counted()).rejected === 2)
  })
})

describe('the end', () => {
  test('sends what waits', async () => {
    rig = new Rig()
    rig.take(600)
    await rig.export.close()
    expect(collector.spans).toHaveLength(1200)
  })

  test('waits for at most two seconds, and says what was lost', async () => {
    rig = new Rig()
    collector.script = () => {}
    rig.take(3)
    const closed = rig.export.close()
    await until(() => collector.requests.length === 1)
    rig.clock.advance(2000)
    await closed
    expect(rig.log.lines.at(-1)).toMatchObject({ message: 'spans were dropped at the end', fields: { spans: 6 } })
    expect(await rig.counted()).toEqual({ closed: 6 })
  })

  test('takes nothing any more', async () => {
    rig = new Rig()
    await rig.export.close()
    rig.take(1)
    expect(await rig.counted()).toEqual({ queue_full: 2 })
  })
})
