import { expect, test } from 'vitest'
import type { Store, StoreLease } from '../../../src/core/store.ts'
import { type Random, seededRandom } from '../../../src/lib/random.ts'
import { answered, bytes, type CheckStore, textOf } from './harness.ts'

/** A store as simple as it can be written, which is asked the same as the real one. */
class Model {
  now = 0
  readonly entries = new Map<string, { text: string; version: number; until: number }>()
  readonly leases = new Map<string, { owner: string; fence: number; until: number }>()

  /** Of what has not expired. */
  living<T extends { until: number }>(from: Map<string, T>, key: string): T | undefined {
    const found = from.get(key)
    return found !== undefined && found.until > this.now ? found : undefined
  }

  entry(key: string): { text: string; version: number; until: number } | undefined {
    return this.living(this.entries, key)
  }
}

const KEYS = ['a', 'a/1', 'a/2', 'ab', 'b', 'é', '\u{1f600}', '\uffee']
const OWNERS = ['one', 'two']

class Walk {
  private readonly store: Store
  private readonly advance: (ms: number) => void
  private readonly random: Random
  private readonly model = new Model()
  private readonly held: { key: string; lease: StoreLease }[] = []
  private latest = 0
  private readonly deeds: readonly (() => Promise<void>)[]

  constructor(store: Store, advance: (ms: number) => void, seed: number) {
    this.store = store
    this.advance = advance
    this.random = seededRandom(seed)
    this.deeds = [
      () => this.put(),
      () => this.put(),
      () => this.get(),
      () => this.touch(),
      () => this.remove(),
      () => this.scan(),
      () => this.add(),
      () => this.lease(),
      () => this.ofLease(),
      async () => this.pass(),
    ]
  }

  async go(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) await this.one(this.deeds)()
    for (const key of KEYS) await this.get(key)
  }

  private one<T>(of: readonly T[]): T {
    return of[Math.floor(this.random.float() * of.length)] as T
  }

  private ttl(): number | undefined {
    return this.one([undefined, 1, 5, 20])
  }

  private until(ttlMs: number | undefined): number {
    return ttlMs === undefined ? Number.POSITIVE_INFINITY : this.model.now + ttlMs
  }

  private pass(): void {
    const ms = this.one([1, 2, 5, 30])
    this.model.now += ms
    this.advance(ms)
  }

  private newVersion(version: number): number {
    expect(version).toBeGreaterThan(this.latest)
    this.latest = version
    return version
  }

  private async put(key = this.one(KEYS)): Promise<void> {
    const before = this.model.entry(key)
    const ttlMs = this.ttl()
    const ifVersion = this.one([undefined, undefined, 'absent' as const, before?.version ?? 1, this.latest])
    const text = `${this.random.uint32()}`
    const options = { ...(ttlMs !== undefined && { ttlMs }), ...(ifVersion !== undefined && { ifVersion }) }
    const answer = answered(await this.store.put(key, bytes(text), options))
    const there = before?.version ?? 'absent'
    if (ifVersion !== undefined && ifVersion !== there) {
      expect(answer).toEqual({ conflict: there })
      return
    }
    if (!('version' in answer)) throw new Error(`unexpected conflict: ${answer.conflict}`)
    this.model.entries.set(key, { text, version: this.newVersion(answer.version), until: this.until(ttlMs) })
  }

  private async get(key = this.one(KEYS)): Promise<void> {
    const entry = answered(await this.store.get(key))
    const expected = this.model.entry(key)
    expect(entry && { text: textOf(entry), version: entry.version, ttlMs: entry.ttlMs }).toEqual(
      expected && { text: expected.text, version: expected.version, ttlMs: this.leftOf(expected) },
    )
  }

  private leftOf({ until }: { readonly until: number }): number | undefined {
    return until === Number.POSITIVE_INFINITY ? undefined : until - this.model.now
  }

  private async touch(): Promise<void> {
    const [key, ttlMs] = [this.one(KEYS), this.ttl()]
    const there = this.model.entry(key)
    expect(await this.store.touch(key, ttlMs)).toBe(there !== undefined)
    if (there !== undefined) there.until = this.until(ttlMs)
  }

  private async remove(): Promise<void> {
    const key = this.one(KEYS)
    const there = this.model.entry(key)
    const ifVersion = this.one([undefined, there?.version, this.latest])
    const answer = await this.store.delete(key, ifVersion)
    if (ifVersion !== undefined && ifVersion !== there?.version) {
      expect(answer).toEqual({ conflict: there?.version ?? 'absent' })
      return
    }
    expect(answer).toBe(there !== undefined)
    this.model.entries.delete(key)
  }

  private async scan(): Promise<void> {
    const [prefix, limit, after] = [
      this.one(['', 'a', 'a/', 'x']),
      this.one([1, 3, 100]),
      this.one([undefined, 'a/1', 'é']),
    ]
    const page = answered(await this.store.scan(prefix, after === undefined ? { limit } : { limit, after }))
    const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
    const all = [...this.model.entries.keys()]
      .filter((key) => key.startsWith(prefix) && this.model.entry(key) !== undefined)
      .filter((key) => after === undefined || order(key, after) > 0)
      .toSorted(order)
    expect(page.entries.map(({ key }) => key)).toEqual(all.slice(0, limit))
    expect(page.after).toBe(all.length > limit ? all[limit - 1] : undefined)
  }

  /** On keys of its own: all others hold texts. */
  private async add(): Promise<void> {
    const key = this.one(['n/1', 'n/2'])
    const there = this.model.entry(key)
    const [by, ttlMs] = [this.one([1, -2, 0.5]), this.ttl()]
    const sum = Number(there?.text ?? 0) + by
    const args = { by, ...(ttlMs !== undefined && { ttlMs }) }
    expect(await this.store.run('add', [key], args)).toEqual([sum])
    const version = this.newVersion(answered(await this.store.get(key))?.version ?? 0)
    this.model.entries.set(key, { text: `${sum}`, version, until: there?.until ?? this.until(ttlMs) })
  }

  private async lease(): Promise<void> {
    const [key, owner, ttlMs] = [this.one(KEYS), this.one(OWNERS), this.one([5, 20])]
    const answer = answered(await this.store.lease(key, owner, ttlMs))
    const there = this.model.living(this.model.leases, key)
    if (there !== undefined && there.owner !== owner) {
      expect(answer).toEqual({ heldBy: there.owner, ttlMs: there.until - this.model.now })
      return
    }
    if (!('fence' in answer)) throw new Error(`unexpectedly held by ${answer.heldBy}`)
    expect(answer.fence).toBe(there?.fence ?? this.newVersion(answer.fence))
    this.model.leases.set(key, { owner, fence: answer.fence, until: this.until(ttlMs) })
    this.held.push({ key, lease: answer })
  }

  private async ofLease(): Promise<void> {
    const held = this.one(this.held)
    if (held === undefined) return
    const { key, lease } = held
    const there = this.model.living(this.model.leases, key)
    const isHeld = there?.fence === lease.fence
    if (this.random.float() < 0.5) {
      expect(await lease.renew(20)).toBe(isHeld)
      if (isHeld) there.until = this.until(20)
    } else {
      expect(await lease.release()).toBe(isHeld)
      if (isHeld) this.model.leases.delete(key)
    }
  }
}

/** A failure names its seed: run it alone with that one. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]
const STEPS = 400

export function model(check: CheckStore): void {
  test.each(SEEDS)('does as a simple model does, whatever the calls (seed %i)', (seed) =>
    check((store, { advance }) => new Walk(store, advance, seed).go(STEPS))(),
  )
}
