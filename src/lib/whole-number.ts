const MOST_DIGITS = 9

/** Decimal digits and nothing else. */
export function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isDigit(text.charCodeAt(i))) return false
  return text !== ''
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

/** A decimal number of at most nine digits; 0 for anything else. */
export function wholeNumber(text: string): number {
  return text.length <= MOST_DIGITS && isDigits(text) ? Number(text) : 0
}
