/** What the sweep of an engine calls an exchange whose run was not told that it had ended. */
export const LOST_END = 'an exchange ended, and its run was not told'

/** Fails the test whose engine found one. */
export function lostEnd(): never {
  throw new Error(LOST_END)
}
