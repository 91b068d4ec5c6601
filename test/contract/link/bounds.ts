import type { LinkBounds } from '../../../src/core/link.ts'

/** Of all sides in the suite. */
export const BOUNDS: LinkBounds = { questions: 4, bytes: 10_000 }
