/** Bytes of all 1xx answers in front of one final answer: an upstream may not send them without end. */
export const MAX_EARLY_BYTES = 262_144
