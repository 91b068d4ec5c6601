import { requireTools } from '../../bench/machine.ts'

/** Skips a test that needs what the bench runs, with the reason; with CI=true that is a failure. */
export async function skipWithoutTools(skip: (why: string) => void): Promise<void> {
  try {
    await requireTools()
  } catch (error) {
    if (process.env.CI === 'true') throw error
    skip((error as Error).message)
  }
}
