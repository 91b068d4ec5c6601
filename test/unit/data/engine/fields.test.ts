import { expect, test } from 'vitest'
import { Kind, type KindOf, requestKinds } from '../../../../src/data/engine/fields.ts'
import { seededRandom } from '../../../../src/lib/random.ts'

const NAMED = ['x-user', 'x_under', '_odd', 'x.dot-ted', '~']
const kinds = requestKinds(['x-correlation-id'], NAMED)

/** Names and what becomes of them, written down apart from the table. */
const EXACT: Readonly<Record<string, KindOf>> = {
  ...Object.fromEntries(NAMED.map((name) => [name, Kind.keep])),
  'x-correlation-id': Kind.drop,
  'x-real-ip': Kind.drop,
  proxy: Kind.drop,
  host: Kind.drop,
  upgrade: Kind.drop,
  'content-length': Kind.drop,
  traceparent: Kind.drop,
  'max-forwards': Kind.maxForwards,
  te: Kind.te,
  via: Kind.via,
  'x-forwarded-for': Kind.forwardedFor,
  'x-forwarded-proto': Kind.forwardedProto,
  'x-original-url': Kind.trustedOnly,
  'sluice-attempt': Kind.priorAttempts,
}

function expected(name: string): KindOf | undefined {
  const lower = name.toLowerCase()
  const exact = EXACT[lower]
  if (exact !== undefined) return exact
  if (lower.startsWith('sluice-') || lower.startsWith('x-forwarded-')) return Kind.trustedOnly
  const plain = lower.replace(/[^a-z0-9]/g, '-')
  if (plain.startsWith('sluice-') || plain.startsWith('x-forwarded-')) return Kind.drop
  return Object.keys(EXACT).some((known) => known.replace(/[^a-z0-9]/g, '-') === plain) ? Kind.drop : undefined
}

test('whatever the spelling, a field is what it is, or what it could be taken for', () => {
  const random = seededRandom(21)
  const pick = <T>(list: readonly T[]): T => list[random.uint32() % list.length] as T
  const bases = [...Object.keys(EXACT), 'sluice-x', 'x-forwarded-x', 'x-forwarded-', 'x-forwarde', 'sluice', 'x-f', 'x']
  const seen = new Map<KindOf | undefined, number>()
  for (let i = 0; i < 20_000; i++) {
    const name = Array.from(pick(bases), (char) => {
      if (random.uint32() % 12 === 0) return pick(['', 'q', '9', 'xx'])
      if (!/[a-z0-9]/.test(char))
        return random.uint32() % 2 === 0 ? char : pick(['_', '.', '~', '!', '-', '*', '`', '|'])
      return random.uint32() % 3 === 0 ? char.toUpperCase() : char
    }).join('')
    if (name === '') continue
    const wanted = expected(name)
    seen.set(wanted, (seen.get(wanted) ?? 0) + 1)
    if (wanted !== undefined) expect(kinds.of(name), name).toBe(wanted)
    // Some fields beside those of this list have a kind of their own; what begins with an x and no known name has none.
    else if (/^x-?f?[q9x]/i.test(name)) expect(kinds.of(name), name).toBe(Kind.keep)
  }
  for (const kind of [Kind.keep, Kind.drop, Kind.te, Kind.trustedOnly, undefined])
    expect(seen.get(kind)).toBeGreaterThan(50)
})
