/** The result of parsing a line, in place of the position behind it: its end has not arrived, or it breaks the syntax. */
export const INCOMPLETE = -1
export const BREAKS_SYNTAX = -2
