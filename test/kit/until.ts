/**
 * Resolves once `condition` holds; rejects, naming `what`, when it does not within `deadlineMs`. The deadline is for what
 * never comes, on a busy machine too: a tight one fails by chance, a generous one costs nothing.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string) = () => condition.toString(),
  deadlineMs = 30_000,
): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > end) {
      throw new Error(`not within ${deadlineMs} ms: ${typeof what === 'string' ? what : what()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Lets everything that is already due on the event loop happen. For asserting that something did NOT happen. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
}
