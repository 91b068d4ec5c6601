/** Milliseconds between two looks: a tenth of the time so far, so that a long wait leaves the machine to others. */
const SHORTEST_MS = 2
const LONGEST_MS = 50

/**
 * Resolves once `condition` holds; rejects, naming `what`, when it does not within `deadlineMs`. The deadline is for what
 * never comes, on a busy machine too: a tight one fails by chance, a generous one costs nothing.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string) = () => condition.toString(),
  deadlineMs = 30_000,
): Promise<void> {
  const begun = performance.now()
  while (!(await condition())) {
    const waited = performance.now() - begun
    if (waited > deadlineMs) {
      throw new Error(`not within ${deadlineMs} ms: ${typeof what === 'string' ? what : what()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(LONGEST_MS, Math.max(SHORTEST_MS, waited / 10))))
  }
}

/** Lets everything that is already due on the event loop happen. For asserting that something did NOT happen. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
}
