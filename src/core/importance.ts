/** From the last to be shed to the first. */
export const IMPORTANCES = ['critical', 'high', 'normal', 'low'] as const
/** One of {@link IMPORTANCES}. */
export type Importance = (typeof IMPORTANCES)[number]

/** Of requests of which nothing is said: index in {@link IMPORTANCES}. */
export const NORMAL = 2
