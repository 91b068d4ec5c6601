import type { WorkerLink } from '../../../src/data/link/worker-link.ts'

/** What a worker of the suite saw, as it tells the control half by asking. */
export type Seen = Readonly<Record<string, unknown>>

const FEATURE = 'f'
const LONG_MS = 30_000

/** A feature in a worker: listens to two feeds, takes commands, and tells all that by asking. */
export function toyWorker(link: WorkerLink): void {
  const saw = (seen: Seen): void => void link.ask(FEATURE, { name: 'saw', value: seen, key: 'saw' }, LONG_MS)
  const [a, b, needed] = ['a', 'b', 'needed'].map((name) => link.feed(FEATURE, name))
  link.keep(() => {
    a?.changed(() => saw({ a: a.value, b: b?.value }))
    b?.changed(() => saw({ b: b.value }))
    a?.changed(() => {
      if (a.value === 'throw') throw new Error('thrown by a test')
    })
    link.command(FEATURE, 'note', (value) => saw({ note: value }))
    link.command(FEATURE, 'later', async (value) => {
      await Promise.resolve()
      saw({ later: value })
    })
    link.command(FEATURE, 'never', () => new Promise(() => {}))
    link.command(FEATURE, 'throws', () => {
      throw new Error('thrown by a test')
    })
    link.command<number>(FEATURE, 'wait', (ms) => {
      if (needed !== undefined) void link.arrived(new Set([needed]), ms).then((missing) => saw({ missing }))
    })
    link.command<string>(FEATURE, 'ask', (name) => {
      void link.ask(FEATURE, { name, value: 1 }, LONG_MS).answer.then((answer) => saw({ answer }))
    })
  })
}
