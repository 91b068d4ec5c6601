import { expect, test } from 'vitest'
import { attacked, withoutSlowhttptest } from '../../kit/slowhttptest.ts'

const SECONDS = 5

test.skipIf(withoutSlowhttptest)(
  'with default limits nobody notices 400 heads and 400 bodies that hardly move, and answers that are hardly read',
  async () => {
    const seen = await attacked(
      [
        ['H', 400],
        ['B', 400],
        ['X', 40],
      ],
      SECONDS,
      // A machine that has too much to do is not what this is about.
      { more: 'overload: { mode: shadow }\n' },
    )
    expect(seen.connections, 'the attacks are under way').toBeGreaterThan(400)
    expect(seen.inFlight, 'bodies and answers are held up').toBeGreaterThan(256)
    expect(seen.requests).toBeGreaterThan(SECONDS * 10)
    expect(seen.failed).toBe(0)
    expect(seen.unavailable).toBe(0)
  },
  60_000,
)
