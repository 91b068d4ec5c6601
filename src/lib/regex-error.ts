/** What is wrong with a pattern; the message is for the author of the config. */
export class RegexError extends Error {}
