import { expect, test } from 'vitest'
import { attacked, withoutSlowhttptest } from '../../kit/slowhttptest.ts'

const SECONDS = 5

test.skipIf(withoutSlowhttptest)(
  'with default limits nobody notices 400 heads, 800 bodies that hardly move, and 440 answers that are hardly read',
  async () => {
    const seen = await attacked(
      [
        ['-H', 400],
        ['-B, 8 KB', 400],
        ['-B, 100 KB', 400],
        ['-X, 8 KB', 400],
        // Each fills the buffers of two sockets, which are the system's here: 400 would take all that it has.
        ['-X, 5 MB', 40],
      ],
      SECONDS,
      // A machine that has too much to do is not what this is about.
      { more: 'overload: { mode: shadow }\n' },
    )
    expect(seen.connections, 'the attacks are under way').toBeGreaterThan(1_000)
    expect(seen.inFlight, 'bodies and answers are held up').toBeGreaterThan(500)
    expect(seen.requests).toBeGreaterThan(SECONDS * 10)
    expect(seen.failed).toBe(0)
    expect(seen.unavailable).toBe(0)
  },
  60_000,
)
