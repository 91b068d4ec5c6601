/** What was thrown, which may be anything. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
